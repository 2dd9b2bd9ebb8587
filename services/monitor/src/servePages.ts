import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { Hono, type Context } from "hono";

const assetTypes = new Map([
  [".html", "text/html; charset=utf-8"],
  [".js", "text/javascript; charset=utf-8"],
  [".css", "text/css; charset=utf-8"],
  [".svg", "image/svg+xml"],
]);

/** Libraries that the dashboard's import map names, by the name they are served under. */
const vendorModules = new Map([
  ["preact.js", import.meta.resolve("preact")],
  ["preact-hooks.js", import.meta.resolve("preact/hooks")],
  ["preact-jsx-runtime.js", import.meta.resolve("preact/jsx-runtime")],
  ["uplot.js", new URL("./uPlot.esm.js", import.meta.resolve("uplot")).href],
  ["uplot.css", new URL("./uPlot.min.css", import.meta.resolve("uplot")).href],
]);

const built = fileURLToPath(new URL("../dist/dashboard/", import.meta.url));
const still = fileURLToPath(new URL("../dashboard/public/", import.meta.url));

/** The dashboard's page, its modules and the libraries that they import. */
export function servePages(): Hono {
  const pages = new Hono();
  pages.get("/", async (c) => asset(c, await readFile(join(still, "index.html")), ".html"));
  pages.get("/vendor/:file", async (c) => {
    const file = c.req.param("file");
    const url = vendorModules.get(file);
    if (url === undefined) return c.notFound();
    return asset(c, await readFile(fileURLToPath(url)), extname(file));
  });
  pages.get("/assets/*", async (c) => {
    const name = normalize(c.req.path.slice("/assets/".length));
    if (name.startsWith("..")) return c.notFound();
    for (const folder of [built, still]) {
      const body = await readFile(join(folder, name)).catch(() => null);
      if (body !== null) return asset(c, body, extname(name));
    }
    return c.notFound();
  });
  return pages;
}

/** By the context's own methods: a bare `Response` would lose the headers that were set before the handler. */
function asset(c: Context, body: Buffer, extension: string): Response {
  c.header("content-type", assetTypes.get(extension) ?? "application/octet-stream");
  c.header("cache-control", "no-cache");
  return c.body(new Uint8Array(body));
}

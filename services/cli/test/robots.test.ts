import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";

const text = "User-agent: *\nDisallow: /private\nAllow: /private/open\n\nUser-agent: GPTBot\nDisallow: /\n";
let folder: string;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "robots-"));
  await writeFile(join(folder, "robots.txt"), text);
  server = createServer((req, res) => res.writeHead(Number(req.url?.slice(1, 4))).end(text));
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

/** Runs `pairloom robots`; the exit code, the JSON of standard output, and standard error. */
async function robots(...args: string[]): Promise<{ code: number; json: unknown; said: string }> {
  const bin = join(import.meta.dirname, "../bin/pairloom.js");
  return new Promise((resolve) => {
    execFile(process.execPath, [bin, "robots", "--json", ...args], (error, stdout, stderr) => {
      const code = error === null ? 0 : Number(error.code);
      resolve({ code, json: stdout === "" ? null : JSON.parse(stdout), said: stderr });
    });
  });
}

it("a file's verdicts come in the order of the URLs, each with the line that decided", async () => {
  const file = join(folder, "robots.txt");
  const urls = ["https://a.example/private/x", "/private/open/y", "https://a.example/z"];
  expect(await robots(file, ...urls)).toMatchObject({
    code: 0,
    json: {
      urls: [
        { url: urls[0], allowed: false, rule: "Disallow: /private" },
        { url: urls[1], allowed: true, rule: "Allow: /private/open" },
        { url: urls[2], allowed: true, rule: null },
      ],
    },
  });
  expect((await robots(file, "--agent", "GPTBot/1.2", "/z")).json).toEqual({
    urls: [{ url: "/z", allowed: false, rule: "Disallow: /" }],
  });
});

it("a URL is fetched; 404 allows everything, 500 and a private address are errors that say so", async () => {
  const at = (status: number) => `http://127.0.0.1:${(server.address() as AddressInfo).port}/${status}`;
  const local = ["--allow-private", "127.0.0.0/8"];
  const [found, missing, failing, refused] = await Promise.all([
    robots(at(200), "/private", ...local),
    robots(at(404), "/private", ...local),
    robots(at(500), "/private", ...local),
    robots(at(200), "/private"),
  ]);
  expect(found).toMatchObject({ code: 0, json: { urls: [{ allowed: false }] } });
  expect(missing).toMatchObject({ code: 0, json: { urls: [{ allowed: true, rule: null }] } });
  expect(failing).toMatchObject({ code: 1, json: { error: { code: "url_unreachable" } } });
  expect(refused).toMatchObject({
    code: 1,
    json: { error: { message: expect.stringContaining("address_private") as string } },
  });
});

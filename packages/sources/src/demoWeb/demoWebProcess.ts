import { UserError } from "@pairloom/config/errors";
import type { DemoWebMessage, ForkDemoWebOptions } from "./forkDemoWeb.js";
import { startDemoWeb } from "./startDemoWeb.js";

/** The child of `forkDemoWeb`: serves until its parent lets go or is gone. */
async function serve(): Promise<void> {
  const say = (message: DemoWebMessage) => process.send?.(message);
  // Ctrl-C reaches the whole group: the parent decides when the web goes
  process.on("SIGINT", () => undefined);
  try {
    const web = await startDemoWeb(JSON.parse(process.argv[2] ?? "") as ForkDemoWebOptions);
    process.on("message", () => say({ kind: "stats", stats: web.stats() }));
    process.once("disconnect", () => void web.close());
    const { port, hosts, searchUrl, sites } = web;
    say({ kind: "ready", port, hosts, searchUrl, sites, routes: web.routes(), pageRoutes: web.pageRoutes() });
  } catch (error) {
    const { code, hint } = error instanceof UserError ? error : { code: null, hint: null };
    say({ kind: "failed", code, message: error instanceof Error ? error.message : String(error), hint });
  }
}

await serve();

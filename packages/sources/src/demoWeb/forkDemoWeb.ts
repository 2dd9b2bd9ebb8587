import { fork } from "node:child_process";
import { once } from "node:events";
import { UserError } from "@pairloom/config/errors";
import type { DemoWeb, DemoWebOptions, DemoWebStats } from "./startDemoWeb.js";

export type ForkDemoWebOptions = Omit<DemoWebOptions, "onRequest">;

/** A demo web in a process of its own. */
export interface ForkedDemoWeb extends Pick<DemoWeb, "port" | "hosts" | "searchUrl" | "sites"> {
  pid: number;
  routes: ReturnType<DemoWeb["routes"]>;
  pageRoutes: ReturnType<DemoWeb["pageRoutes"]>;
  stats(): Promise<DemoWebStats>;
  close(): Promise<void>;
}

/** What the child says. */
export type DemoWebMessage =
  | ({ kind: "ready" } & Pick<
      ForkedDemoWeb,
      "port" | "hosts" | "searchUrl" | "sites" | "routes" | "pageRoutes"
    >)
  | { kind: "failed"; code: string | null; message: string; hint: string | null }
  | { kind: "stats"; stats: DemoWebStats };

/**
 * Starts the demo web in a child process: drawing does not compete with the caller's event loop, and the caller's
 * sharp may have SVG switched off. The child ends with its parent. The caller closes it.
 * @throws UserError as `startDemoWeb`
 */
export async function forkDemoWeb(options: ForkDemoWebOptions): Promise<ForkedDemoWeb> {
  const main = new URL("./demoWebProcess.js", import.meta.url);
  const child = fork(main, [JSON.stringify(options)], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
  const next = (): Promise<DemoWebMessage> =>
    new Promise((resolve, reject) => {
      const gone = (code: number | null) =>
        reject(new Error(`the demo web's process ended (code ${code ?? "none"})`));
      child.once("exit", gone);
      child.once("message", (message) => {
        child.off("exit", gone);
        resolve(message as DemoWebMessage);
      });
    });
  const first = await next();
  if (first.kind === "failed") {
    child.disconnect();
    const hint = first.hint === null ? {} : { hint: first.hint };
    throw first.code === null ? new Error(first.message) : new UserError(first.code, first.message, hint);
  }
  if (first.kind !== "ready") throw new Error("the demo web's process spoke out of turn");
  const { port, hosts, searchUrl, sites, routes, pageRoutes } = first;
  return {
    pid: child.pid as number,
    port,
    hosts,
    searchUrl,
    sites,
    routes,
    pageRoutes,
    async stats() {
      const answer = next();
      child.send("stats");
      const message = await answer;
      if (message.kind !== "stats") throw new Error("the demo web's process spoke out of turn");
      return message.stats;
    },
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, "exit");
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

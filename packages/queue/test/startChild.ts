import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A process that runs `child.mjs` (with the built package). It says one JSON line when it is ready. */
export interface Child {
  process: ChildProcess;
  ready: { pid: number; where: string };
  /** Closes its standard input, at which it ends cleanly. */
  end(): Promise<void>;
  kill(): Promise<void>;
}

export async function startChild(role: "use" | "work", dir: string, ...more: string[]): Promise<Child> {
  const script = fileURLToPath(new URL("child.mjs", import.meta.url));
  const child = spawn(process.execPath, [script, role, dir, ...more], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [line] = (await Promise.race([
    once(createInterface({ input: child.stdout }), "line"),
    exited.then(() => Promise.reject(new Error("The child ended before it was ready"))),
  ])) as [string];
  return {
    process: child,
    ready: JSON.parse(line) as Child["ready"],
    async end() {
      child.stdin.end();
      await exited;
    },
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

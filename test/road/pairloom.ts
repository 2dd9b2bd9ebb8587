import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

export const launcher = fileURLToPath(new URL("../../services/cli/bin/pairloom.js", import.meta.url));

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Starts the command line as a user would. */
export function startPairloom(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, [launcher, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, REDIS_URL: "", ...env },
  });
}

/** Where `pairloom up` says that its dashboard is. @throws Error with what it said, where it ends instead */
export function dashboardUrl(up: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    up.stderr?.on("data", (chunk) => {
      said += String(chunk);
      const found = /Dashboard: (\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    up.on("close", () => reject(new Error(said)));
  });
}

/** Runs the command line to its end. */
export async function pairloom(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = startPairloom(args, env);
  const ran: Ran = { code: null, stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk) => (ran.stdout += String(chunk)));
  child.stderr?.on("data", (chunk) => (ran.stderr += String(chunk)));
  ran.code = await new Promise((resolve) => child.on("close", resolve));
  return ran;
}

/** The object that a command with --json ends with. @throws Error with what it printed where there is none */
export function lastJson<T>(ran: Ran): T {
  const line = ran.stdout.trimEnd().split("\n").at(-1) ?? "";
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new Error(`no JSON at the end (exit code ${ran.code}):\n${ran.stdout}\n${ran.stderr}`);
  }
}

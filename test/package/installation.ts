import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The environment of somebody who knows nothing of this repository: npm's own settings for it are left out. */
export function strangersEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) =>
      !/^npm_(?!config_(registry|cafile|cache|https?_proxy|noproxy)$)|^(INIT_CWD|PAIRLOOM_|VITEST|NODE_ENV|NODE_PATH)/i.test(
        name,
      ),
  );
  return { ...Object.fromEntries(kept), REDIS_URL: "" };
}

export function start(command: string, args: readonly string[], cwd: string): ChildProcess {
  return spawn(command, args, { cwd, env: strangersEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a program to its end. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<Ran> {
  const child = start(command, args, cwd);
  const ran: Ran = { code: null, stdout: "", stderr: "" };
  child.stdout?.on("data", (chunk) => (ran.stdout += String(chunk)));
  child.stderr?.on("data", (chunk) => (ran.stderr += String(chunk)));
  ran.code = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return ran;
}

/** A project of somebody else's, whose settings are not for us: CommonJS, and a tsconfig.json that can't be built. */
export async function strangersProject(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "mine", private: true, type: "commonjs" }),
  );
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ files: ["missing.ts"], references: [{ path: "nowhere" }] }),
  );
}

/** Bytes of all files below a folder. */
export async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const launcher = fileURLToPath(new URL("../bin/pairloom.js", import.meta.url));
const hook = `
import { appendFileSync } from "node:fs";
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  appendFileSync(process.env.PAIRLOOM_TEST_MODULES, found.url + "\\n");
  return found;
}`;
const register = `import { register } from "node:module"; register("data:text/javascript," + ${JSON.stringify(encodeURIComponent(hook))});`;

/** Runs the CLI as a process of its own. @returns what it printed, and the URLs of the modules that it imported */
export async function loadedModules(args: readonly string[]): Promise<{ stdout: string; modules: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), "pairloom-modules-"));
  try {
    const list = join(folder, "modules");
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(register)}`, launcher, ...args],
      { env: { ...process.env, PAIRLOOM_NO_BUILD: "1", PAIRLOOM_TEST_MODULES: list } },
    );
    return { stdout, modules: [...new Set((await readFile(list, "utf8")).trim().split("\n"))] };
  } finally {
    await rm(folder, { recursive: true });
  }
}

const root = pathToFileURL(fileURLToPath(new URL("../../../", import.meta.url))).href;

/** "zod", "packages/config", "services/cli": the package that a module belongs to, or null for one of Node's own. */
export function packageOf(url: string): string | null {
  if (!url.startsWith(root)) return null;
  const path = url.slice(root.length).replace(/^node_modules\//, "");
  const [first, second] = path.split("/");
  return /^(@|packages$|services$)/.test(first!) ? `${first}/${second}` : first!;
}

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const stamp = join(root, "services/cli/dist/.built");

/** Newest modification time and number of the files that the build reads. */
function sourceState() {
  let newest = 0;
  let count = 0;
  const visit = (path) => {
    const stat = statSync(path);
    if (stat.isDirectory()) for (const entry of readdirSync(path)) visit(join(path, entry));
    else {
      newest = Math.max(newest, stat.mtimeMs);
      count++;
    }
  };
  for (const room of ["packages", "services"])
    for (const name of readdirSync(join(root, room)))
      for (const part of ["src", "tsconfig.json"]) {
        const path = join(root, room, name, part);
        if (existsSync(path)) visit(path);
      }
  for (const file of ["tsconfig.json", "tsconfig.base.json"]) visit(join(root, file));
  return `${newest} ${count}`;
}

/** Builds the workspace if its sources are not the ones last built. For a checkout alone. */
export async function ensureBuilt() {
  if (process.env.PAIRLOOM_NO_BUILD === "1") return;
  const state = sourceState();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === state) return;
  const lock = join(root, "node_modules/.pairloom-build.lock");
  const until = Date.now() + 180_000;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
      let age = Infinity;
      try {
        age = Date.now() - statSync(lock).mtimeMs;
      } catch {
        continue; // just released
      }
      if (age > 120_000 || Date.now() > until) rmSync(lock, { recursive: true, force: true });
      await new Promise((resolve) => setTimeout(resolve, 200));
      if (existsSync(stamp) && readFileSync(stamp, "utf8") === sourceState()) return;
    }
  }
  try {
    if (process.stderr.isTTY) process.stderr.write("Building pairloom (only after a change) …\n");
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const built = spawnSync(process.execPath, [tsc, "-b"], { cwd: root, stdio: ["ignore", 2, 2] });
    if (built.status !== 0) {
      process.stderr.write("pairloom could not be built: see the errors above.\n");
      process.exit(1);
    }
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, state);
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

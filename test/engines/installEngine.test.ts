import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, expect, it } from "vitest";
import { installEngine, listEngines, loadEngine } from "@pairloom/engine";
import { cacheDir, tensorflowReason } from "./installation.js";

let reason: string | null = null;
const empty = mkdtempSync(join(tmpdir(), "engines-"));
beforeAll(async () => {
  reason = await tensorflowReason();
}, 900_000);
afterAll(() => {
  rmSync(empty, { recursive: true, force: true });
});

it("an installed engine is listed with its version, and installing again leaves it as it is", async (context) => {
  if (reason !== null) return context.skip(reason);
  const [tensorflow] = await listEngines({ cacheDir });
  expect(tensorflow).toMatchObject({ name: "tensorflow", available: true, version: "2.21.0", why: null });
  const lines: string[] = [];
  await installEngine({ cacheDir, log: (line) => lines.push(line) });
  expect(lines.join()).toContain("already installed");
});

it("without an installation, auto is not tensorflow, which says how to get it", async () => {
  const statuses = await listEngines({ cacheDir: empty });
  expect(statuses.map(({ name }) => name)).toEqual(["tensorflow", "wasm", "webgpu"]);
  expect(statuses.slice(0, 2).map(({ available }) => available)).toEqual([false, true]);
  for (const { available, why } of statuses) expect(why === null).toBe(available);
  await expect(loadEngine("tensorflow", { cacheDir: empty })).rejects.toMatchObject({
    code: "engine_unavailable",
    hint: expect.stringContaining("pairloom engine install") as string,
  });
  const engine = await loadEngine("auto", { cacheDir: empty, threads: 1 });
  // webgpu where a real GPU is
  expect(["wasm", "webgpu"]).toContain(engine.name);
  await engine.dispose();
});

it("an install that another process is running is not disturbed; a dead one's lock is taken over", () => {
  const lock = join(empty, "engines", `tensorflow-2.21.0-cpu-${process.platform}-${process.arch}.lock`);
  const bare = { PATH: empty };
  expect(inProcess(lock, String(process.pid), bare)).toContain("install_running");
  // Past the lock it looks for python3, which this PATH has not
  expect(inProcess(lock, "999999999", bare)).toContain("tool_missing");
});

it("a missing compiler is named with the way to get it", () => {
  const python =
    spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).stdout?.trim() ??
    "";
  const pip = spawnSync("python3", ["-m", "pip", "--version"]).status === 0;
  if (python === "" || !pip) return;
  writeFileSync(join(empty, "python3"), `#!/bin/sh\nexec ${python} "$@"\n`, { mode: 0o755 });
  const said = inProcess(null, "", { PATH: empty });
  expect(said).toContain("tool_missing");
  expect(said).toMatch(/g\+\+.*apt-get install g\+\+/s);
});

/** Runs installEngine in a child with another environment; gives the error's code, message and hint. */
function inProcess(lock: string | null, holder: string, env: Record<string, string>): string {
  if (lock !== null) {
    mkdirSync(dirname(lock), { recursive: true });
    writeFileSync(lock, holder);
  }
  const code = `
    import { installEngine } from "@pairloom/engine";
    await installEngine({ cacheDir: ${JSON.stringify(empty)} }).catch((e) => console.log(e.code, e.message, e.hint));`;
  const result = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: import.meta.dirname,
    encoding: "utf8",
    env,
  });
  if (lock !== null) rmSync(lock, { force: true });
  return result.stdout + result.stderr;
}

import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { namedTars } from "../../packages/shards/test/foreignTars.js";

const python = process.env["PAIRLOOM_PYTHON"] ?? "python3";
const missing =
  spawnSync(python, ["-c", "import webdataset"], { stdio: "ignore" }).status === 0
    ? null
    : "needs a Python with webdataset (PAIRLOOM_PYTHON names it: bash test/interop/environment.sh)";
if (missing !== null) console.log(`Names in tars beside webdataset are skipped: ${missing}`);

describe.skipIf(missing !== null)("names in tars", () => {
  let folder: string;
  let theirs: Record<string, string[]>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pairloom-shard-names-"));
    for (const [name, { tar }] of Object.entries(namedTars))
      await writeFile(join(folder, `${name}.tar`), tar);
    const script = fileURLToPath(new URL("shardNames_reference.py", import.meta.url));
    const result = spawnSync(python, [script, folder], { encoding: "utf8" });
    if (result.status !== 0) throw new Error(result.stderr);
    theirs = JSON.parse(result.stdout) as Record<string, string[]>;
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(Object.entries(namedTars))(
    "webdataset makes of %s the samples that our reader makes, or the check names why not",
    (name, { used, elsewhere, says = [] }) => {
      expect(theirs[name]).toEqual(elsewhere ?? used);
      if (elsewhere !== undefined) expect(says).not.toEqual([]);
    },
  );
});

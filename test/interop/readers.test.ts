import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openShards, shardRow, type ShardRow } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSmallRelease, type SmallRelease } from "../../packages/shards/test/smallRelease.js";

const modules = ["webdataset", "wids", "pyarrow"];

/** A Python that has the readers: the named one, or one in a virtual environment that is made here; or why there is none. */
function findPython(): { python: string } | { missing: string } {
  const probe = `from importlib.util import find_spec; exit(not all(map(find_spec, ${JSON.stringify(modules)})))`;
  const hasModules = (python: string) => spawnSync(python, ["-c", probe], { stdio: "ignore" }).status === 0;
  const named = process.env.PAIRLOOM_PYTHON ?? "python3";
  if (hasModules(named)) return { python: named };
  if (spawnSync(named, ["--version"]).status !== 0)
    return { missing: "needs Python (PAIRLOOM_PYTHON names it)" };
  const venv = join(tmpdir(), "pairloom-interop-readers");
  const python = join(venv, "bin", "python");
  if (hasModules(python)) return { python };
  if (spawnSync(named, ["-m", "venv", venv]).status !== 0) return { missing: "needs Python's venv" };
  spawnSync(python, ["-m", "pip", "install", "-q", ...modules], { stdio: "ignore", timeout: 600_000 });
  return hasModules(python) ? { python } : { missing: `needs ${modules.join(", ")} from PyPI` };
}

const found = findPython();
const missing = "missing" in found ? found.missing : null;
if (missing !== null) console.log(`Readers of releases in Python are skipped: ${missing}`);

function run<T>(script: string, folder: string): T {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const python = "python" in found ? found.python : "";
  const result = spawnSync(python, [path, folder], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (result.status !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout) as T;
}

type Sample = [key: string, picture: string, text: string, record: string];
interface Reference {
  webdataset: Sample[];
  wids: Sample[];
  tarfile: string[];
  columns: string[];
  types: Record<string, string>;
  rows: Record<string, unknown>[];
  rejected: Record<string, unknown>[];
  shard: { samples: number };
}

const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");

describe.skipIf(missing !== null)("a release in Python's readers", () => {
  let root: string;
  let small: SmallRelease;
  let reference: Reference;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "pairloom-readers-"));
    small = await makeSmallRelease(await openStore(root), 90);
    reference = run<Reference>("readers_reference.py", join(root, "release"));
  });
  afterAll(() => rm(root, { recursive: true }));

  const expected = () =>
    small.samples.map((sample): Sample => {
      const picture = small.pictures.get(sample.key) as Buffer;
      return [sample.key, sha256(picture), sample.caption, sha256(JSON.stringify(shardRow(sample)))];
    });

  test("webdataset finds the same samples, bytes and order", () => {
    expect(reference.webdataset).toEqual(expected());
  });

  test("wids finds them by the index, one by one", () => {
    expect(reference.wids).toEqual(expected());
  });

  test("tarfile finds plain files with fixed metadata, a sample's members side by side", () => {
    expect(reference.tarfile).toEqual(
      small.samples.flatMap(({ key }) => [`${key}.jpg`, `${key}.txt`, `${key}.json`]),
    );
  });

  test("pyarrow reads every row, with img2dataset's columns and types first", () => {
    expect(reference.columns.slice(0, 11)).toEqual([
      "url",
      "caption",
      "key",
      "status",
      "error_message",
      "width",
      "height",
      "original_width",
      "original_height",
      "exif",
      "sha256",
    ]);
    expect(reference.types).toMatchObject({ url: "string", key: "string", width: "int32", texts: "string" });
    const json = ["texts", "urls", "pages", "queries", "sources"] as const;
    const rows = small.samples.map(shardRow).map((row: ShardRow) => ({
      ...row,
      ...Object.fromEntries(json.map((name) => [name, JSON.stringify(row[name])])),
      stored_sha256: sha256(small.pictures.get(row.key) as Buffer),
    }));
    expect(reference.rows).toEqual(rows);
    expect(reference.shard.samples).toBe(10);
  });

  test("pyarrow reads every rejected row with its reason", () => {
    expect(
      reference.rejected.map((row) => [row["candidate_id"], row["reason"], row["duplicate_of"]]),
    ).toEqual(
      small.rejected.map(({ candidateId, reason, duplicateOf }) => [candidateId, reason, duplicateOf]),
    );
  });

  test("and what Python's webdataset writes is read by ours", async () => {
    const folder = join(root, "python");
    await mkdir(folder);
    const written = run<[string, string, string][]>("python_writer.py", folder);
    const samples: [string, string, string][] = [];
    const reader = await openShards(folder);
    for await (const { key, image, text } of reader) samples.push([key, sha256(image), text]);
    expect(reader.quarantine).toEqual([]);
    expect(samples).toEqual(written);
  });
});

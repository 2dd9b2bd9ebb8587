import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openShards, shardRow, type ShardRow } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSmallRelease, type SmallRelease } from "../../packages/shards/test/smallRelease.js";
import { openClipPython, openClipReason } from "./openClip.js";

const modules = ["webdataset", "wids", "pyarrow", "datasets", "PIL"];
const packages = ["webdataset", "wids", "pyarrow", "datasets", "pillow"];

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
  spawnSync(python, ["-m", "pip", "install", "-q", ...packages], { stdio: "ignore", timeout: 600_000 });
  return hasModules(python) ? { python } : { missing: `needs ${packages.join(", ")} from PyPI` };
}

const found = findPython();
const missing = "missing" in found ? found.missing : null;
if (missing !== null) console.log(`Readers of releases in Python are skipped: ${missing}`);

function run<T>(script: string, folder: string, python = "python" in found ? found.python : ""): T {
  const path = fileURLToPath(new URL(script, import.meta.url));
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
interface DatasetsReference {
  folder: DatasetSample[];
  streamed: DatasetSample[];
  tars: DatasetSample[];
  rows: Record<string, unknown>[];
  rejected: Record<string, unknown>[];
  size: [width: number, height: number];
}
type DatasetSample = [key: string, picture: string, text: string, record: Record<string, unknown>];
type Pair = [pixels: string, text: string];
interface OpenClipReference {
  train: { told: number; samples: Pair[] };
  evaluation: { told: number; samples: Pair[] };
  /** The pixels of each picture, by its bytes' hash. */
  decoded: Record<string, string>;
}

const sha256 = (data: Uint8Array | string) => createHash("sha256").update(data).digest("hex");

const pictureSize = [40, 30] as const;

/** A release of pictures that can be decoded, each of its own colour. */
async function makeRelease(root: string, candidates: number): Promise<SmallRelease> {
  const [width, height] = pictureSize;
  const drawn = await Promise.all(
    Array.from({ length: candidates }, (_, i) => {
      const background = { r: (i * 37) % 256, g: (i * 101) % 256, b: 255 - (i % 256) };
      return sharp({ create: { width, height, channels: 3, background } })
        .jpeg()
        .toBuffer();
    }),
  );
  return makeSmallRelease(await openStore(root), candidates, (i) => drawn[i] as Buffer);
}

describe.skipIf(missing !== null)("a release in Python's readers", () => {
  let root: string;
  let small: SmallRelease;
  let reference: Reference;
  let loaded: DatasetsReference;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "pairloom-readers-"));
    small = await makeRelease(root, 90);
    reference = run<Reference>("readers_reference.py", join(root, "release"));
    loaded = run<DatasetsReference>("datasets_reference.py", join(root, "release"));
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

  const records = () =>
    small.samples.map((sample): DatasetSample => {
      const picture = small.pictures.get(sample.key) as Buffer;
      return [sample.key, sha256(picture), sample.caption, { ...shardRow(sample) }];
    });

  test("datasets loads the folder by its README: every sample, its bytes, text and record", () => {
    expect(loaded.folder).toEqual(records());
    expect(loaded.size).toEqual(pictureSize);
  });

  test("datasets streams the folder and loads the tars by name, with the same samples", () => {
    expect(loaded.streamed).toEqual(records());
    expect(loaded.tars).toEqual(records());
  });

  test("datasets reads the tables as pyarrow does", () => {
    expect(loaded.rows).toEqual(reference.rows);
    expect(loaded.rejected).toEqual(reference.rejected);
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

if (openClipReason !== null) console.log(`open_clip's reader of releases is skipped: ${openClipReason}`);

describe.skipIf(openClipReason !== null)("a release in open_clip's own data loader", () => {
  let root: string;
  let small: SmallRelease;
  let reference: OpenClipReference;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "pairloom-open-clip-reader-"));
    small = await makeRelease(root, 90);
    reference = run<OpenClipReference>("open_clip_reader.py", join(root, "release"), openClipPython);
  });
  afterAll(() => rm(root, { recursive: true }));

  const pairs = () =>
    small.samples.map(({ key, caption }): Pair => {
      const bytes = sha256(small.pictures.get(key) as Buffer);
      return [reference.decoded[bytes] ?? `the tars lack the picture of ${key}`, caption];
    });

  test("an epoch of training has each sample once, and as many as sizes.json says", () => {
    const { told, samples } = reference.train;
    expect(told).toBe(small.samples.length);
    expect(samples.map(String).sort()).toEqual(pairs().map(String).sort());
  });

  test("an evaluation has the same samples in the order of the keys", () => {
    expect(reference.evaluation.samples).toEqual(pairs());
  });
});

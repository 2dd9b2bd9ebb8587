import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const python = process.env.PAIRLOOM_PYTORCH;
if (python === undefined)
  console.log(
    "Evaluations beside CLIP_benchmark are skipped: PAIRLOOM_PYTORCH names no Python (environment.sh pytorch)",
  );

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

type Metrics = Record<string, number | null>;
interface Reference {
  /** The folder of CLIP_benchmark's own lists of class names and templates. */
  lists: string;
  results: Record<string, Metrics>;
}

describe.skipIf(python === undefined)("CLIP_benchmark comes to our numbers on its own layouts", () => {
  let folder: string;
  let reference: Reference;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pairloom-clip-benchmark-"));
    const made = spawnSync(python!, [path("clip_benchmark_reference.py"), folder], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    reference = JSON.parse(made.stdout) as Reference;
  });
  afterAll(() => rm(folder, { recursive: true }));

  const evaluate = (task: string, data: string, ...options: string[]) => {
    const args = [
      ...[
        "eval",
        task,
        "--checkpoint",
        join(folder, "model.safetensors"),
        "--model",
        join(folder, "small.json"),
      ],
      ...["--data", join(folder, data), "--engine", "wasm", "--json", ...options],
    ];
    const run = spawnSync(process.execPath, [path("../../services/cli/bin/pairloom.js"), ...args], {
      encoding: "utf8",
    });
    if (run.status !== 0) throw new Error(run.stderr);
    return JSON.parse(run.stdout) as {
      metrics: Metrics;
      samples: number;
      pictures: number;
      skipped: number;
      leftOut: Record<string, number>;
    };
  };

  test.each([
    ["shapes", "webp in three shards, two templates", 63],
    ["digits", "png, classes named by other numbers than their labels", 48],
    ["few", "jpg, fewer than five classes named by digits", 24],
  ])("a webdataset with classes: %s (%s)", (name, _, samples) => {
    const result = evaluate("zeroshot", name);
    expect(result.metrics).toEqual(closeTo(reference.results[name]!));
    expect(result).toMatchObject({ samples, skipped: 0, leftOut: {} });
  });

  test("a folder of linked folders and pictures, with CLIP_benchmark's lists of names and templates", () => {
    const list = (name: string) => join(reference.lists, name);
    const result = evaluate(
      "zeroshot",
      "fer2013",
      ...["--classes", list("en_classnames.json")],
      ...["--templates", list("en_zeroshot_classification_templates.json")],
    );
    expect(result.metrics).toEqual(closeTo(reference.results["fer2013"]!));
    expect(result).toMatchObject({
      samples: 42,
      skipped: 0,
      leftOut: { "a file that is no picture by its ending": 5 },
    });
  });

  test("a webdataset with several captions a picture", () => {
    const result = evaluate("retrieval", "captions");
    expect(result.metrics).toEqual(closeTo(reference.results["captions"]!));
    expect(result).toMatchObject({ pictures: 30, skipped: 0, leftOut: {} });
  });
});

const closeTo = (numbers: Metrics) =>
  Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [
      name,
      value === null ? null : (expect.closeTo(value, 6) as number),
    ]),
  );

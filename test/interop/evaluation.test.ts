import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openai80 } from "@pairloom/evaluation";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const python = process.env.PAIRLOOM_PYTORCH;
if (python === undefined)
  console.log(
    "Evaluations beside open_clip are skipped: PAIRLOOM_PYTORCH names no Python (environment.sh pytorch)",
  );

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Reference {
  templates: string[];
  own: Record<string, number>;
  openai80: Record<string, number>;
  probe: Record<string, number>;
  retrieval: Record<string, number>;
}
interface Result {
  dataset: string;
  task: string;
  metrics: Record<string, number>;
  skipped: number;
}

describe.skipIf(python === undefined)("open_clip, numpy and scikit-learn come to our numbers", () => {
  let folder: string;
  let reference: Reference;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pairloom-evaluation-"));
    const made = spawnSync(python!, [path("evaluation_reference.py"), folder], { encoding: "utf8" });
    if (made.status !== 0) throw new Error(made.stderr);
    reference = JSON.parse(made.stdout) as Reference;
  });
  afterAll(() => rm(folder, { recursive: true }));

  const evaluate = (task: string, data: string, ...options: string[]): Result => {
    const model = ["--checkpoint", join(folder, "model.safetensors"), "--model", join(folder, "model.json")];
    const args = [
      "eval",
      task,
      ...model,
      "--data",
      join(folder, data),
      "--engine",
      "wasm",
      "--json",
      ...options,
    ];
    const run = spawnSync(process.execPath, [path("../../services/cli/bin/pairloom.js"), ...args], {
      encoding: "utf8",
    });
    if (run.status !== 0) throw new Error(run.stderr);
    return JSON.parse(run.stdout) as Result;
  };

  test("OpenAI's 80 templates", () => {
    expect(openai80).toEqual(reference.templates);
  });

  test("zero-shot with the dataset's own prompts, in CLIP_benchmark's form", () => {
    const { dataset, task, metrics, skipped } = evaluate("zeroshot", "shapes");
    expect([dataset, task, skipped]).toEqual(["shapes", "zeroshot_classification", 0]);
    expect(metrics).toEqual(closeTo(reference.own));
  });

  test("zero-shot with the 80 templates", () => {
    const { metrics } = evaluate("zeroshot", "shapes", "--templates", "openai-80");
    expect(metrics).toEqual(closeTo(reference.openai80));
    expect(reference.openai80).not.toEqual(reference.own);
  });

  test("linear probe: accuracy within half a percent", () => {
    const { task, metrics } = evaluate("probe", "shapes", "--c", "30");
    expect(task).toBe("linear_probe");
    for (const [name, value] of Object.entries(reference.probe))
      expect(Math.abs(metrics[name]! - value), name).toBeLessThan(0.005);
    expect(metrics["lp_acc1"]).toBeGreaterThan(0.5);
  });

  test.each(["captions", "table/captions.csv"])("retrieval with several texts a picture: %s", (data) => {
    const { task, metrics } = evaluate("retrieval", data);
    expect(task).toBe("zeroshot_retrieval");
    expect(metrics).toEqual(closeTo(reference.retrieval));
  });

  test("a result is written as one JSON object, and never over another", async () => {
    const out = join(folder, "result.json");
    evaluate("zeroshot", "shapes", "--limit", "9", "--out", out);
    expect(Object.keys(JSON.parse(await readFile(out, "utf8")) as object).slice(0, 6)).toEqual([
      "dataset",
      "model",
      "pretrained",
      "task",
      "metrics",
      "language",
    ]);
    expect(() => evaluate("zeroshot", "shapes", "--limit", "9", "--out", out)).toThrow(/is there already/);
  });

  test("a picture that can't be decoded is counted, not counted right or wrong", async () => {
    await writeFile(join(folder, "table", "broken.png"), "no picture");
    const table = await readFile(join(folder, "table", "captions.csv"), "utf8");
    await writeFile(join(folder, "table", "broken.csv"), `${table}broken.png,a broken one\r\n`);
    const { metrics, skipped } = evaluate("retrieval", "table/broken.csv");
    expect(skipped).toBe(1);
    expect(metrics).toEqual(closeTo(reference.retrieval));
  });
});

const closeTo = (numbers: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(numbers).map(([name, value]) => [name, expect.closeTo(value, 6) as number]),
  );

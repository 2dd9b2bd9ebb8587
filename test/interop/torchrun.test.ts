import { type ChildProcess, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  checkStateDict,
  createParameters,
  disposeParameters,
  loadModelConfig,
  readSafetensorsFile,
} from "@pairloom/clip";
import { loadEngine } from "@pairloom/engine";
import { embedPictures, featureRow, textFeatures } from "@pairloom/evaluation";
import { openShards } from "@pairloom/shards";
import { createTokenizer } from "@pairloom/tokenizer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeSmallRelease } from "../../packages/training/test/smallRelease.js";
import { lastJson, pairloom, startPairloom } from "../road/pairloom.js";

const python = process.env.PAIRLOOM_PYTORCH ?? "python3";
const probe = spawnSync(
  python,
  [
    "-c",
    "import importlib.metadata as m; print(m.version('open_clip_torch'), m.version('webdataset'), m.version('torch'))",
  ],
  { encoding: "utf8" },
);
const missing =
  probe.status === 0
    ? null
    : "needs Python with open_clip (PAIRLOOM_PYTORCH names it; `bash test/interop/environment.sh pytorch` makes one)";
if (missing !== null) console.log(`training by open_clip under torchrun is skipped: ${missing}`);

/** Learns four colours in 100 steps. */
const colourModel = {
  embed_dim: 32,
  vision_cfg: { image_size: 24, patch_size: 8, width: 32, layers: 2, head_width: 16 },
  text_cfg: { context_length: 12, vocab_size: 49408, width: 32, heads: 2, layers: 1 },
};

interface Outcome {
  status: string;
  step: number;
  steps: number;
  checkpoint: string;
}

/** What the Python beside this file says. */
function reference<T>(...args: string[]): T {
  const script = fileURLToPath(new URL("torchrun_reference.py", import.meta.url));
  const run = spawnSync(python, [script, ...args], { encoding: "utf8", maxBuffer: 1e8 });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout.trim().split("\n").at(-1)!) as T;
}

/** Process numbers of everything whose command line names the folder. */
function processesOf(folder: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return Number(pid) !== process.pid && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(folder);
      } catch {
        return false;
      }
    })
    .map(Number);
}

function metricsOf(run: string): { step: number; loss: number; lr: number; logitScale: number }[] {
  const text = readFileSync(join(run, "metrics.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { step: number; loss: number; lr: number; logitScale: number });
}

async function until(child: ChildProcess, what: () => boolean, timeoutMs = 400_000): Promise<void> {
  for (const end = Date.now() + timeoutMs; !what();) {
    if (child.exitCode !== null) throw new Error(`the command ended before that, with ${child.exitCode}`);
    if (Date.now() > end) throw new Error("it did not come about in time");
    await sleep(100);
  }
}

describe.skipIf(missing !== null)(
  "a training that open_clip does under torchrun, two processes (gloo)",
  () => {
    let folder: string;
    let release: string;
    let model: string;
    const steps = 100;
    const train = (run: string, ...more: string[]) => [
      ...["train", "--data", release, "--model", model, "--out", join(folder, run), "--seed", "3"],
      ...[
        "--launcher",
        "torchrun",
        "--processes",
        "2",
        "--device",
        "cpu",
        "--python",
        python,
        "--log-every",
        "1",
      ],
      ...[
        "--batch-size",
        "40",
        "--lr",
        "5e-3",
        "--warmup",
        "10",
        "--weight-decay",
        "0.1",
        "--checkpoint-every",
        "10",
        "--json",
        ...more,
      ],
    ];
    beforeAll(async () => {
      ({ folder, release } = await makeSmallRelease(200));
      model = join(folder, "colours.json");
      await writeFile(model, JSON.stringify(colourModel));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    describe("to its end", () => {
      let run: string;
      let outcome: Outcome;
      let warnings: string;
      beforeAll(async () => {
        run = join(folder, "whole");
        const ran = await pairloom(train("whole", "--steps", String(steps)));
        warnings = ran.stderr;
        outcome = lastJson<Outcome>(ran);
      });

      test("it finishes, and each step is told once, with our schedule's rate and a falling loss", () => {
        expect(outcome).toMatchObject({ status: "finished", step: steps, steps });
        const metrics = metricsOf(run);
        expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: steps }, (_, i) => i + 1));
        expect(metrics[0]!.lr).toBeCloseTo(5e-4, 12);
        expect(metrics[9]!.lr).toBeCloseTo(5e-3, 12);
        expect(metrics.at(-1)!.lr).toBeLessThan(2e-5);
        expect(metrics[0]!.logitScale).toBeCloseTo(1 / 0.07, 2);
        expect(metrics.at(-1)!.loss).toBeLessThan(metrics[0]!.loss - 0.5);
      });

      test("what open_clip can't be told is named", () => {
        for (const setting of ["textRate", "maxLogitScale", "captions", "cropMargin"]) {
          expect(warnings).toContain(`\`${setting}\``);
        }
        const manifest = JSON.parse(readFileSync(join(run, "launcher", "manifest.json"), "utf8")) as {
          settings: { setting: string; flags: string[]; note: string | null }[];
          command: string[];
        };
        expect(manifest.settings.every(({ flags, note }) => flags.length > 0 || note !== null)).toBe(true);
        expect(manifest.command).toEqual(
          expect.arrayContaining(["--batch-size", "20", "--gather-with-grad"]),
        );
      });

      test("it is a run like any other: listed, verified, with its newest checkpoints", async () => {
        const listed = lastJson<{ runs: { checkpoints: { step: number }[] }[] }>(
          await pairloom(["checkpoints", "list", "--run", run, "--json"]),
        );
        expect(listed.runs[0]!.checkpoints.map(({ step }) => step)).toEqual([80, 90, 100]);
        const verified = lastJson<{ ok: boolean }>(await pairloom(["checkpoints", "verify", run, "--json"]));
        expect(verified.ok).toBe(true);
      });

      test("pictures and texts have the embeddings that open_clip gives them (cosine 0.99999)", async () => {
        const samples: { key: string; image: Buffer; text: string }[] = [];
        for await (const { key, image, text } of await openShards(release)) {
          if (samples.length === 12) break;
          samples.push({ key, image: Buffer.from(image), text });
          await writeFile(join(folder, `${key}.jpg`), image);
        }
        const theirs = reference<{ pictures: number[][]; texts: number[][] }>(
          ...[
            "embed",
            join(run, "launcher", "model"),
            join(run, "launcher", "open_clip", "checkpoints", "epoch_20.pt"),
          ],
          ...samples.map(({ key }) => join(folder, `${key}.jpg`)),
          "--",
          ...samples.map(({ text }) => text),
        );
        const engine = await loadEngine("wasm", { cacheDir: join(folder, "cache") });
        const config = await loadModelConfig(join(run, "config.json"));
        const parameters = createParameters(
          config,
          checkStateDict(await readSafetensorsFile(outcome.checkpoint), config),
        );
        try {
          const evaluated = { config, parameters, tokenizer: createTokenizer() };
          const stream = (async function* () {
            for (const sample of samples) yield await Promise.resolve(sample);
          })();
          const pictures = (await embedPictures(evaluated, stream, ({ key }) => key)).features;
          const texts = await textFeatures(
            evaluated,
            samples.map(({ text }) => text),
          );
          for (const [ours, expected] of [
            [pictures, theirs.pictures],
            [texts, theirs.texts],
          ] as const) {
            expect(expected).toHaveLength(12);
            expected.forEach((row, i) => {
              const cosine = row.reduce((sum, value, j) => sum + value * featureRow(ours, i)[j]!, 0);
              expect(cosine).toBeGreaterThan(0.99999);
            });
          }
        } finally {
          disposeParameters(parameters);
          await engine.dispose();
        }
      });

      test("it can be evaluated, and has learned the colours", async () => {
        const names = join(folder, "names.txt");
        const templates = join(folder, "templates.txt");
        await writeFile(names, "red\ngreen\nblue\nblack\n");
        await writeFile(templates, "a {} square on paper\na {} square on sand\na {} square on slate\n");
        const common = ["--checkpoint", outcome.checkpoint, "--data", release, "--engine", "wasm", "--json"];
        const zeroShot = lastJson<{ task: string; metrics: Record<string, number>; samples: number }>(
          await pairloom(["eval", "zeroshot", ...common, "--classes", names, "--templates", templates]),
        );
        expect(zeroShot).toMatchObject({ task: "zeroshot_classification", samples: 200 });
        expect(zeroShot.metrics["acc1"]).toBeGreaterThan(0.7);
        const retrieval = lastJson<{
          task: string;
          metrics: Record<string, number>;
          equalCaptions: { textToImage: Record<string, number> };
        }>(await pairloom(["eval", "retrieval", ...common]));
        expect(Object.keys(retrieval.metrics).sort()).toEqual(
          ["image", "text"].flatMap((what) => [1, 10, 5].map((k) => `${what}_retrieval_recall@${k}`)),
        );
        expect(retrieval.equalCaptions.textToImage["5"]).toBeGreaterThan(0.4);
      });

      test("exported for open_clip it is the checkpoint that it came from, bit for bit, loaded with weights_only", async () => {
        const exported = join(folder, "exported.pt");
        const ran = await pairloom(["checkpoints", "export", run, "--format", "openclip", "--out", exported]);
        expect(ran.code).toBe(0);
        const original = join(run, "launcher", "open_clip", "checkpoints", "epoch_20.pt");
        const { tensors, ...same } = reference<{ tensors: number }>("same", exported, original);
        expect(same).toEqual({ names: true, equal: true, ordered: true });
        expect(tensors).toBeGreaterThan(30);
        // open_clip's own loader takes it too
        const arguments_ = ["embed", join(run, "launcher", "model"), exported, "--", "a red square"];
        expect(reference<{ texts: number[][] }>(...arguments_).texts).toHaveLength(1);
      });
    });

    test("its launcher killed with kill -9 and started again, it comes to the same end; each step is told once", async () => {
      const run = join(folder, "again");
      const child = startPairloom(train("again", "--steps", "150"));
      await until(
        child,
        () => existsSync(join(run, "checkpoints")) && readdirSync(join(run, "checkpoints")).length > 0,
      );
      child.kill("SIGKILL");
      await new Promise((resolve) => child.on("close", resolve));
      const before = metricsOf(run).at(-1)!.step;
      expect(before).toBeLessThan(150);
      const resumed = await pairloom(train("again", "--steps", "150", "--resume"));
      expect(lastJson<Outcome>(resumed)).toMatchObject({ status: "finished", step: 150 });
      expect(metricsOf(run).map(({ step }) => step)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
      expect(processesOf(run)).toEqual([]);
    });

    test("SIGTERM stops all of its processes", async () => {
      const run = join(folder, "stopped");
      const child = startPairloom(train("stopped", "--steps", "4000"));
      let stdout = "";
      child.stdout?.on("data", (chunk) => (stdout += String(chunk)));
      await until(child, () => existsSync(join(run, "metrics.jsonl")));
      expect(processesOf(run).length).toBeGreaterThan(2);
      child.kill("SIGTERM");
      expect(await new Promise((resolve) => child.on("close", resolve))).toBe(0);
      expect(processesOf(run)).toEqual([]);
      expect(JSON.parse(stdout)).toMatchObject({ status: "stopped", steps: 4000 });
    });

    test("a process that dies ends them all, with what was said", async () => {
      const run = join(folder, "killed");
      const child = startPairloom(train("killed", "--steps", "4000"));
      let stderr = "";
      child.stderr?.on("data", (chunk) => (stderr += String(chunk)));
      await until(child, () => existsSync(join(run, "metrics.jsonl")));
      const rank = processesOf(run).find((pid) => {
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
        return environment.includes("LOCAL_RANK=1");
      });
      process.kill(rank!, "SIGKILL");
      expect(await new Promise((resolve) => child.on("close", resolve))).toBe(1);
      expect(stderr).toContain("open_clip ended before its last checkpoint");
      expect(stderr).toMatch(/SIGKILL|Signal 9/);
      expect(processesOf(run)).toEqual([]);
    });

    test("a checkpoint that would run a command is refused, and runs nothing", async () => {
      const [hostile, marker] = [join(folder, "hostile.pt"), join(folder, "pwned")];
      reference("hostile", hostile, marker);
      const out = join(folder, "hostile.safetensors");
      const ran = await pairloom([
        "checkpoints",
        "import",
        hostile,
        "--model",
        model,
        "--out",
        out,
        "--json",
      ]);
      expect(ran.code).toBe(1);
      expect(lastJson<{ error: { code: string; message: string } }>(ran).error).toMatchObject({
        code: "pytorch_pickle_refused",
        message: expect.stringContaining("posix.system") as string,
      });
      expect([existsSync(marker), existsSync(out)]).toEqual([false, false]);
    });
  },
);

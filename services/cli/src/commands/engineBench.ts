import type { EngineChoice } from "@pairloom/engine";
import type { BenchCase, StepBench } from "@pairloom/training";
import { Option, type Command } from "commander";
import { cacheDir } from "../project/environment.js";
import { createSay } from "../terminal/say.js";
import { engineOption, jsonOption, wholeNumber } from "./options.js";

interface BenchOptions {
  case: BenchCase;
  batchSize?: number;
  precision: "float32" | "bf16";
  engine?: EngineChoice;
  threads?: number;
  accumulate: number;
  recompute?: boolean;
  xla?: boolean;
  seconds: number;
  json?: boolean;
}

/** The batch sizes at which the peers were measured. */
const usualBatch: Record<BenchCase, number> = { small: 64, vitb32: 16, rn50: 8 };

/** `pairloom engine bench`: how fast training steps are here. */
export function addEngineBenchCommand(engine: Command): void {
  engine
    .command("bench")
    .description("time training steps of a model on random pairs")
    .addOption(
      new Option("--case <name>", "small two-tower, ViT-B/32, RN50")
        .choices(["small", "vitb32", "rn50"])
        .default("small"),
    )
    .option("--batch-size <n>", "pairs in a step (64, 16, 8 by case)", wholeNumber(2))
    .addOption(
      new Option("--precision <name>", "of products").choices(["float32", "bf16"]).default("float32"),
    )
    .option("--accumulate <n>", "parts that a batch is gone through in", wholeNumber(1), 1)
    .option("--recompute", "transformer blocks are computed again for the gradient")
    .option("--xla", "with TensorFlow's XLA")
    .option("--seconds <n>", "least duration of each of five timed blocks", wholeNumber(1), 3)
    .addOption(engineOption())
    .option("--threads <n>", "CPU threads", wholeNumber(1))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom engine bench\n  $ pairloom engine bench --case vitb32 --batch-size 16 --precision bf16 --json\n",
    )
    .action(async ({ json, seconds, ...options }: BenchOptions) => {
      const { loadEngine } = await import("@pairloom/engine");
      const say = createSay(json ?? false);
      const { benchModel, benchStep } = await import("@pairloom/training");
      const { precision, accumulate, recompute = false, xla = false, threads } = options;
      const batchSize = options.batchSize ?? usualBatch[options.case];
      const loaded = await loadEngine(options.engine ?? "auto", {
        cacheDir: cacheDir(),
        xla,
        ...(threads === undefined ? {} : { threads }),
      });
      try {
        say.info(`${options.case}, ${batchSize} pairs a step, ${precision}, ${loaded.description}`);
        const config = await benchModel(options.case);
        const input = { batchSize, precision, accumulate, recompute, xla };
        const result = await benchStep(loaded, config, input, seconds);
        say.result({ case: options.case, batchSize, ...result }, benchText(result));
      } finally {
        await loaded.dispose();
      }
    });
}

function benchText(result: StepBench): string {
  const { samplesPerSecond, stepMs, stepMsLeast, stepMsMost, gigaflopsPerSecond, firstStepSeconds } = result;
  return (
    `${samplesPerSecond} samples/s: ${stepMs} ms a step (${stepMsLeast} to ${stepMsMost}), ${gigaflopsPerSecond} GFLOP/s; ` +
    `the first step took ${firstStepSeconds} s; ${result.residentMegabytes} MB resident, ${result.predictedMegabytes} MB predicted`
  );
}

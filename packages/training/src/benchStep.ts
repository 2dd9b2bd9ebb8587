import {
  loadModelConfig,
  type ModelConfig,
  initialParameters,
  imageSize,
  modelCost,
  parseModelConfig,
  RandomNumbers,
} from "@pairloom/clip";
import type { Engine } from "@pairloom/engine";
import { outlook } from "./run/outlook.js";
import { resolveTrainSettings, type TrainSettingsInput } from "./settings/trainSettings.js";
import { StepVariables } from "./step/stepVariables.js";
import { accumulates, openTrainingStep } from "./step/trainingStep.js";

export const benchCases = ["small", "vitb32", "rn50"] as const;
export type BenchCase = (typeof benchCases)[number];

/** A two-tower of 1.8 million parameters: four layers of width 128 on 64 pixels and 32 tokens. */
const small = {
  embed_dim: 128,
  quick_gelu: true,
  vision_cfg: { image_size: 64, patch_size: 8, width: 128, layers: 4, head_width: 64 },
  text_cfg: { context_length: 32, vocab_size: 1000, width: 128, heads: 2, layers: 4 },
};

export interface StepBench {
  samplesPerSecond: number;
  /** Median over blocks of steps. */
  stepMs: number;
  stepMsLeast: number;
  stepMsMost: number;
  /** Opening the programs and the first step: compiling, where the engine compiles. */
  firstStepSeconds: number;
  gigaflopsPerSecond: number;
  residentMegabytes: number;
  predictedMegabytes: number;
  parameters: number;
  engine: string;
  precision: string;
  threads: number;
}

/** The model of a case. @throws ModelConfigError */
export function benchModel(name: BenchCase): Promise<ModelConfig> {
  if (name === "small") return Promise.resolve(parseModelConfig(small, "small"));
  return loadModelConfig({ vitb32: "ViT-B-32", rn50: "RN50" }[name]);
}

/**
 * Times whole training steps (forward, backward, clipping, AdamW, and the loss read back) on random pairs.
 *
 * @param seconds least duration of each of the five timed blocks
 */
export async function benchStep(
  engine: Engine,
  config: ModelConfig,
  input: Pick<TrainSettingsInput, "batchSize" | "precision" | "xla" | "accumulate" | "recompute">,
  seconds: number,
): Promise<StepBench> {
  const settings = resolveTrainSettings({
    ...input,
    data: "none",
    out: "none",
    steps: 1,
    textRate: 1,
    weightDecay: 0.2,
    gradClip: 1,
    maxLogitScale: 100,
  });
  const batch = randomBatch(config, settings.batchSize);
  const variables = new StepVariables(config, initialParameters(config, 0), settings, {
    accumulates: accumulates(settings),
  });
  const began = performance.now();
  const step = openTrainingStep(engine, variables, settings);
  try {
    let done = 0;
    const run = () => step.run(batch, ++done, 5e-4);
    await run();
    const firstStepSeconds = (performance.now() - began) / 1000;
    await run();
    const from = performance.now();
    await run();
    const count = Math.max(1, Math.round((1000 * seconds) / (performance.now() - from)));
    const blocks: number[] = [];
    for (let block = 0; block < 5; block++) {
      const start = performance.now();
      for (let i = 0; i < count; i++) await run();
      blocks.push((performance.now() - start) / count);
    }
    blocks.sort((a, b) => a - b);
    const [least, , median, , most] = blocks as [number, number, number, number, number];
    const { forwardFlops, parameters } = modelCost(config);
    return {
      samplesPerSecond: round((1000 * settings.batchSize) / median, 2),
      stepMs: round(median, 2),
      stepMsLeast: round(least, 2),
      stepMsMost: round(most, 2),
      firstStepSeconds: round(firstStepSeconds, 1),
      gigaflopsPerSecond: round((3 * forwardFlops * settings.batchSize) / median / 1e6, 1),
      residentMegabytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
      predictedMegabytes: Math.round(outlook(config, settings, engine.name).memoryBytes / 2 ** 20),
      parameters,
      engine: engine.description,
      precision: settings.precision,
      threads: engine.threads,
    };
  } finally {
    step.dispose();
    variables.dispose();
  }
}

function randomBatch(config: ModelConfig, pairs: number): { images: Float32Array; tokens: Int32Array } {
  const random = new RandomNumbers(0, "bench");
  const [height, width] = imageSize(config.vision_cfg);
  const { context_length: context, vocab_size: vocabulary } = config.text_cfg;
  return {
    images: Float32Array.from({ length: pairs * height * width * 3 }, () => random.normal()),
    tokens: Int32Array.from({ length: pairs * context }, (_, i) =>
      i % context === 0
        ? vocabulary - 2
        : i % context === context - 1
          ? vocabulary - 1
          : random.integer(1, vocabulary - 2),
    ),
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

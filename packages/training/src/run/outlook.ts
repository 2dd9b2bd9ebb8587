import { imageSize, modelCost, type ModelConfig } from "@pairloom/clip";
import type { EngineName } from "@pairloom/engine";
import type { TrainSettings } from "../settings/trainSettings.js";
import { rowsAtOnce } from "../step/cachedPrograms.js";
import { accumulates } from "../step/trainingStep.js";
import { partSize } from "../step/partInputs.js";

/** What a training will take, counted before anything is allocated. */
export interface Outlook {
  parameters: number;
  trainedParameters: number;
  /** Floating-point operations of one step: forward and backward. */
  stepFlops: number;
  /** Bytes of parameters, moments, gradients and what the forward pass keeps. */
  memoryBytes: number;
}

/** What an engine takes beyond the count (measured: docs/speed.md, Memory). */
interface EngineMemory {
  /** The process with the engine, its programs and what its libraries keep, before any model. */
  base: number;
  /** Copies of each trained parameter: itself, two moments, its gradient; in some engines new values beside the old. */
  copies: number;
  /** For each byte that a forward pass must keep by the count; operations in one pass keep less, gaps are more. */
  kept: { vit: number; recomputed: number; resnet: number };
  /** For each byte of the block at hand: its results again, where they are, and its gradients. */
  block: number;
  /** What is left of both in bfloat16; weights rounded for products then weigh up gradients of half the size. */
  low: number;
}

const mebibyte = 2 ** 20;
const operationByOperation = {
  copies: 5.5,
  kept: { vit: 2.8, recomputed: 1.6, resnet: 2.8 },
  block: 0,
  low: 1,
};
const engineMemory: Record<EngineName, EngineMemory> = {
  tensorflow: {
    base: 500 * mebibyte,
    copies: 4,
    kept: { vit: 0.62, recomputed: 0.35, resnet: 0.5 },
    block: 2.2,
    low: 0.8,
  },
  wasm: { base: 215 * mebibyte, ...operationByOperation },
  webgpu: { base: 470 * mebibyte, ...operationByOperation },
};

export function outlook(config: ModelConfig, settings: TrainSettings, engine: EngineName): Outlook {
  const cost = modelCost(config);
  const locked = { none: 0, image: cost.imageParameters, text: cost.textParameters }[settings.lock];
  const trainedParameters = cost.parameters - locked;
  const again = settings.recompute || accumulates(settings) ? 4 / 3 : 1;
  return {
    parameters: cost.parameters,
    trainedParameters,
    stepFlops: 3 * again * cost.forwardFlops * settings.batchSize,
    memoryBytes: memoryBytes(config, settings, engineMemory[engine], { locked, trained: trainedParameters }),
  };
}

function memoryBytes(
  config: ModelConfig,
  settings: TrainSettings,
  engine: EngineMemory,
  parameters: { locked: number; trained: number },
): number {
  const { batchSize, emaDecay, precision, recompute } = settings;
  const { vision_cfg: vision, text_cfg: text } = config;
  const { keptBytes, recomputedBytes, blockBytes } = modelCost(config);
  const copies = engine.copies + (emaDecay === null ? 0 : 1) + (accumulates(settings) ? 1 : 0);
  const family = typeof vision.layers !== "number" ? "resnet" : recompute ? "recomputed" : "vit";
  const sample = engine.kept[family] * (recompute ? recomputedBytes : keptBytes) + engine.block * blockBytes;
  const [height, width] = imageSize(vision);
  return (
    engine.base +
    4 * (parameters.locked + copies * parameters.trained) +
    // the token embedding's gradient, row by row and as a table
    (settings.lock === "text" ? 0 : 4 * text.vocab_size * text.width) +
    (precision === "bf16" ? engine.low : 1) * sample * partSize(settings) +
    // the batch's pictures, as numbers and as a tensor
    2 * 4 * 3 * height * width * batchSize +
    // logits, their softmax and its slopes
    3 * 4 * rowsAtOnce(settings) * batchSize
  );
}

/** One line for people. */
export function outlookLine({ parameters, trainedParameters, stepFlops, memoryBytes }: Outlook): string {
  const millions = (count: number) => `${(count / 1e6).toFixed(1)} M`;
  const trained = trainedParameters === parameters ? "" : ` (${millions(trainedParameters)} trained)`;
  return `${millions(parameters)} parameters${trained}, ${(stepFlops / 1e9).toFixed(0)} GFLOP a step, about ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`;
}

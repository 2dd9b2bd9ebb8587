import { imageSize, modelCost, type ModelConfig } from "@pairloom/clip";
import type { EngineName } from "@pairloom/engine";
import type { TrainSettings } from "../settings/trainSettings.js";
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

/**
 * What an engine takes beyond the count: of memory before any model, and for each byte that a forward pass must keep. It
 * holds intermediate results of both passes at once, and gaps between them. Measured by `pairloom engine bench` (resident
 * memory at two batch sizes each; bench/training): within 15 %, but for `recompute`, where it is up to 25 % too low.
 */
const engineMemory: Record<EngineName, { base: number; vit: number; resnet: number }> = {
  tensorflow: { base: 470 * 2 ** 20, vit: 2.6, resnet: 2.1 },
  wasm: { base: 215 * 2 ** 20, vit: 2.8, resnet: 2.8 },
  webgpu: { base: 470 * 2 ** 20, vit: 2.8, resnet: 2.8 },
};

export function outlook(config: ModelConfig, settings: TrainSettings, engine: EngineName): Outlook {
  const cost = modelCost(config);
  const { imageParameters, textParameters } = cost;
  const locked = { none: 0, image: imageParameters, text: textParameters }[settings.lock];
  const trainedParameters = cost.parameters - locked;
  const part = partSize(settings);
  const [height, width] = imageSize(config.vision_cfg);
  // parameters, moments and gradients, and about one and a half copies more: values on their way in, products of gradients
  const copies = 5.5 + (settings.emaDecay === null ? 0 : 1) + (accumulates(settings) ? 1 : 0);
  const { base, ...factors } = engineMemory[engine];
  const factor = typeof config.vision_cfg.layers === "number" ? factors.vit : factors.resnet;
  const keptBytes = settings.recompute ? cost.recomputedBytes : cost.keptBytes;
  const again = settings.recompute || accumulates(settings) ? 4 / 3 : 1;
  return {
    parameters: cost.parameters,
    trainedParameters,
    stepFlops: 3 * again * cost.forwardFlops * settings.batchSize,
    memoryBytes:
      base +
      4 * (locked + copies * trainedParameters) +
      factor * part * keptBytes +
      // pictures of the batch, as numbers and as a tensor
      2 * 4 * 3 * height * width * settings.batchSize,
  };
}

/** One line for people. */
export function outlookLine({ parameters, trainedParameters, stepFlops, memoryBytes }: Outlook): string {
  const millions = (count: number) => `${(count / 1e6).toFixed(1)} M`;
  const trained = trainedParameters === parameters ? "" : ` (${millions(trainedParameters)} trained)`;
  return `${millions(parameters)} parameters${trained}, ${(stepFlops / 1e9).toFixed(0)} GFLOP a step, about ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`;
}

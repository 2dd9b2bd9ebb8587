import { modelCost, type ModelConfig } from "@pairloom/clip";
import type { TrainSettings } from "../settings/trainSettings.js";
import { accumulates } from "../step/trainingStep.js";
import { partSize } from "../step/partSamples.js";

/** What a training will take, counted before anything is allocated. */
export interface Outlook {
  parameters: number;
  trainedParameters: number;
  /** Floating-point operations of one step: forward and backward. */
  stepFlops: number;
  /** Bytes of parameters, moments, gradients and what the forward pass keeps. */
  memoryBytes: number;
}

export function outlook(config: ModelConfig, settings: TrainSettings): Outlook {
  const cost = modelCost(config);
  const { imageParameters, textParameters } = cost;
  const locked = { none: 0, image: imageParameters, text: textParameters }[settings.lock];
  const trainedParameters = cost.parameters - locked;
  const part = partSize(settings);
  const copies = 4 + (settings.emaDecay === null ? 0 : 1) + (accumulates(settings) ? 1 : 0);
  // what is kept for the backward pass: modelCost's count at one part, less the weights' share of it
  const kept = cost.trainingBytes(part) - 16 * cost.parameters;
  const again = settings.recompute || accumulates(settings) ? 4 / 3 : 1;
  return {
    parameters: cost.parameters,
    trainedParameters,
    stepFlops: 3 * again * cost.forwardFlops * settings.batchSize,
    memoryBytes: 4 * (cost.parameters - trainedParameters) + 4 * copies * trainedParameters + kept,
  };
}

/** One line for people. */
export function outlookLine({ parameters, trainedParameters, stepFlops, memoryBytes }: Outlook): string {
  const millions = (count: number) => `${(count / 1e6).toFixed(1)} M`;
  const trained = trainedParameters === parameters ? "" : ` (${millions(trainedParameters)} trained)`;
  return `${millions(parameters)} parameters${trained}, ${(stepFlops / 1e9).toFixed(0)} GFLOP a step, about ${(memoryBytes / 2 ** 30).toFixed(1)} GiB`;
}

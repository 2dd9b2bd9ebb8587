import type { TrainSettingsInput } from "@pairloom/training";
import { cacheDir } from "./installation.js";
import { once, scriptAnswer } from "./scriptAnswer.js";

/** What trainSteps.mjs saw, a number a step. */
export interface StepTrace {
  losses: number[];
  /** Gradient norms before clipping. */
  norms: number[];
  /** Tensors that TensorFlow.js held after the step. */
  tensors: number[];
  milliseconds: number[];
  /** sha256 over all variables at the end: parameters, moments, averages. */
  variables: string;
}

export interface StepWish {
  model: "vit" | "resnet";
  steps: number;
  /** False: the same operations one after another. */
  compiled?: boolean;
  lr?: number;
  xla?: boolean;
  /** One number of the first batch's pictures is changed in its last digit. */
  nudge?: boolean;
  settings?: TrainSettingsInput;
}

/** Trains a small model by the training step, in a process of its own. */
export function traceSteps({
  compiled = true,
  lr = 1e-3,
  xla = false,
  settings = {},
  ...rest
}: StepWish): Promise<StepTrace> {
  const wish = { cacheDir, compiled, lr, xla, settings, ...rest };
  return scriptAnswer("trainSteps.mjs", JSON.stringify(wish));
}

/** A run that several tests look at: done once. */
export const knownSteps = once(traceSteps);

/** Step by step, how far apart two curves are, as a share of the second. */
export function apart(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => Math.abs(value / b[i]! - 1));
}

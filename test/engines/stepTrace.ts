import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TrainSettingsInput } from "@pairloom/training";
import { cacheDir } from "./installation.js";

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

const run = promisify(execFile);

/** Trains a small model by the training step, in a process of its own: TensorFlow stays in one for good. */
export async function traceSteps({
  compiled = true,
  lr = 1e-3,
  xla = false,
  settings = {},
  ...rest
}: StepWish): Promise<StepTrace> {
  const script = join(import.meta.dirname, "trainSteps.mjs");
  const wish = JSON.stringify({ cacheDir, compiled, lr, xla, settings, ...rest });
  const { stdout } = await run(process.execPath, [script, wish], { maxBuffer: 1 << 26 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as StepTrace;
}

const known = new Map<string, Promise<StepTrace>>();

/** A run that several tests look at: done once. */
export function knownSteps(wish: StepWish): Promise<StepTrace> {
  const key = JSON.stringify(wish);
  let trace = known.get(key);
  if (trace === undefined) known.set(key, (trace = traceSteps(wish)));
  return trace;
}

/** Step by step, how far apart two curves are, as a share of the second. */
export function apart(a: readonly number[], b: readonly number[]): number[] {
  return a.map((value, i) => Math.abs(value / b[i]! - 1));
}

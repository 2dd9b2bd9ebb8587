import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DiskFullError, isDiskFull } from "@pairloom/config/errors";
import { writeDurably } from "./writeDurably.js";

/** One line of `metrics.jsonl`. */
export interface StepMetrics {
  /** 1 for the first. */
  step: number;
  epoch: number;
  loss: number;
  /** exp(logit_scale), the inverse temperature. */
  logitScale: number;
  /** Before clipping. */
  gradientNorm: number;
  lr: number;
  samplesPerSecond: number;
  /** Milliseconds in which the step waited for its batch. */
  dataWaitMs: number;
  stepMs: number;
  /** Resident memory of the process. */
  residentMegabytes: number;
  /** Tensors that TensorFlow.js holds: constant, or something leaks. */
  tensors: number;
  /** Pairs {i, j} of the batch that share a caption or a picture. */
  falseNegatives: number;
  /** Captions of the batch that were cut off at the context's end. */
  truncatedCaptions: number;
}

/** A line that an evaluation left: the step and named numbers. */
export interface EvaluationMetrics {
  step: number;
  evaluation: Record<string, number>;
}

const file = (run: string) => join(run, "metrics.jsonl");

/** Every line of a run's metrics that can be read; a line cut off by a crash is passed over. */
export async function readMetrics(run: string): Promise<(StepMetrics | EvaluationMetrics)[]> {
  const text = await readFile(file(run), "utf8").catch(() => "");
  return text.split("\n").flatMap((line) => {
    try {
      return [JSON.parse(line) as StepMetrics | EvaluationMetrics];
    } catch {
      return [];
    }
  });
}

/** Keeps the lines up to a step, so that a resumed run's file has each step once. */
export async function cutMetrics(run: string, lastStep: number): Promise<void> {
  const kept = (await readMetrics(run)).filter(({ step }) => step <= lastStep);
  await writeDurably(file(run), [Buffer.from(kept.map((line) => `${JSON.stringify(line)}\n`).join(""))]);
}

/** @throws DiskFullError */
export async function appendMetrics(run: string, line: StepMetrics | EvaluationMetrics): Promise<void> {
  try {
    await appendFile(file(run), `${JSON.stringify(line)}\n`);
  } catch (error) {
    if (isDiskFull(error)) throw new DiskFullError(file(run), error);
    throw error;
  }
}

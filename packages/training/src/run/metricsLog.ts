import { createReadStream } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
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

const linesAtOnce = 1000;

const file = (run: string) => join(run, "metrics.jsonl");

type MetricsLine = StepMetrics | EvaluationMetrics;

/**
 * Every line of a run's metrics that can be read, one by one: a million steps are more than a string holds. A line cut
 * off by a crash is passed over; without a file there are none.
 */
export async function* metricsLines(run: string): AsyncGenerator<MetricsLine, void> {
  const stream = createReadStream(file(run), "utf8");
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Infinity })) {
      const parsed = parsedLine(line);
      if (parsed !== null) yield parsed;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  } finally {
    stream.destroy();
  }
}

function parsedLine(line: string): MetricsLine | null {
  try {
    return JSON.parse(line) as MetricsLine;
  } catch {
    return null;
  }
}

/** All of them. */
export async function readMetrics(run: string): Promise<MetricsLine[]> {
  const lines: MetricsLine[] = [];
  for await (const line of metricsLines(run)) lines.push(line);
  return lines;
}

/**
 * Keeps the lines up to a step, so that a resumed run's file has each step once.
 *
 * @returns the last evaluation that is kept
 */
export async function cutMetrics(run: string, lastStep: number): Promise<EvaluationMetrics | null> {
  let evaluated: EvaluationMetrics | null = null;
  async function* kept(): AsyncGenerator<Uint8Array, void> {
    let block: string[] = [];
    for await (const line of metricsLines(run)) {
      if (line.step > lastStep) continue;
      if ("evaluation" in line) evaluated = line;
      if (block.push(`${JSON.stringify(line)}\n`) < linesAtOnce) continue;
      yield Buffer.from(block.join(""));
      block = [];
    }
    yield Buffer.from(block.join(""));
  }
  await writeDurably(file(run), kept());
  return evaluated;
}

/** @throws DiskFullError */
export async function appendMetrics(run: string, line: MetricsLine): Promise<void> {
  try {
    await appendFile(file(run), `${JSON.stringify(line)}\n`);
  } catch (error) {
    if (isDiskFull(error)) throw new DiskFullError(file(run), error);
    throw error;
  }
}

import type { StepMetrics } from "../run/metricsLog.js";
import { openClipRate } from "./openClipRate.js";

/** What open_clip's log tells of a step: a line of `metrics.jsonl` without what only our own trainer knows. */
export type LaunchedMetrics = Pick<
  StepMetrics,
  "step" | "epoch" | "loss" | "logitScale" | "lr" | "samplesPerSecond" | "dataWaitMs" | "stepMs"
>;

export interface LogContext {
  stepsPerEpoch: number;
  /** Of the whole run. */
  steps: number;
  /** Pairs in a step. */
  batchSize: number;
  lr: number;
  warmup: number;
  schedule: "cosine" | "constant";
}

const number = String.raw`(-?[\d.]+(?:e[+-]?\d+)?|nan|-?inf)`;
const trainLine = new RegExp(
  String.raw`\| INFO \| Train Epoch: (\d+) \[ *(\d+)\/\d+ \(\d+%\)\] Data \(t\): ${number} Batch \(t\): ${number}, ${number}\/s, ` +
    String.raw`${number}\/s\/gpu LR: ${number} Logit Scale: ${number} .*\bLoss: ${number} \(`,
);

/**
 * The metrics in a line of open_clip's out.log; null where it is another line. Times are means since the line before.
 * The log rounds the rate to six places: where the schedule's own value agrees with that, it is given in full.
 */
export function parseOpenClipLine(line: string, context: LogContext): LaunchedMetrics | null {
  const match = trainLine.exec(line);
  if (match === null) return null;
  const [epoch, samples, dataSeconds, batchSeconds, samplesPerSecond, , loggedRate, logitScale, loss] = match
    .slice(1)
    .map(pythonNumber) as [number, number, number, number, number, number, number, number, number];
  const step = epoch * context.stepsPerEpoch + Math.round(samples / context.batchSize);
  const scheduled = openClipRate(step, context);
  return {
    step,
    epoch,
    loss,
    logitScale,
    lr: Math.abs(scheduled - loggedRate) <= 5.1e-7 ? scheduled : loggedRate,
    samplesPerSecond,
    dataWaitMs: Math.round(dataSeconds * 1000),
    stepMs: Math.round(batchSeconds * 1000),
  };
}

function pythonNumber(text: string): number {
  if (text === "nan") return NaN;
  if (text.endsWith("inf")) return text.startsWith("-") ? -Infinity : Infinity;
  return Number(text);
}

import { setImmediate } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs";
import { imageSize, type ModelConfig } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import type { ShardCursor } from "@pairloom/shards";
import type { TrainingOps } from "@pairloom/engine";
import type { Batch } from "./data/batch.js";
import type { TrainingData } from "./data/trainingData.js";
import type { AdamW } from "./optimizer/adamW.js";
import { learningRate } from "./optimizer/learningRate.js";
import { checkpointFiles, pruneCheckpoints, saveCheckpoint } from "./run/checkpoint.js";
import type { StepMetrics } from "./run/metricsLog.js";
import type { RunLog } from "./run/runLog.js";
import { readTrainerState } from "./run/trainerState.js";
import type { TrainSettings } from "./settings/trainSettings.js";
import type { TrainOptions, TrainResult } from "./train.js";
import { type StepResult, trainStep } from "./trainStep.js";

export interface RunContext {
  run: string;
  settings: TrainSettings;
  config: ModelConfig;
  data: TrainingData;
  parameters: ReadonlyMap<string, tf.Variable>;
  optimizer: AdamW;
  ops: TrainingOps;
  /** Steps done before, and where their data ended. */
  from: number;
  cursor: ShardCursor | null;
  /** Steps of the whole run. */
  steps: number;
  runLog: RunLog;
}

/** The loss is lost: what was good is kept in the last checkpoint. */
export class TrainingDivergedError extends UserError {
  constructor(
    readonly step: number,
    why: string,
    batch: Batch,
    checkpoint: string | null,
  ) {
    const keys = batch.keys.slice(0, 5).join(", ");
    super("training_diverged", `Step ${step}: ${why}; the batch holds the samples ${keys}, …`, {
      hint:
        (checkpoint === null ? "" : `The weights before that step are in ${checkpoint}. `) +
        "Try a lower --lr, a longer warm-up or gradient clipping.",
    });
    this.name = "TrainingDivergedError";
  }
}

/** Steps until the run is at its end or stopped. Writes metrics and checkpoints. @throws TrainingDivergedError */
export async function runSteps(context: RunContext, options: TrainOptions): Promise<TrainResult> {
  const { run, settings, data, steps } = context;
  const { log = () => {} } = options;
  const started = performance.now();
  const evaluated = new Evaluations(context, options);
  let step = context.from;
  let saved = context.from;
  let last: StepMetrics | null = null;
  let { cursor } = context;
  const save = async () => {
    if (saved !== step) await writeCheckpoint(context, step, cursor);
    saved = step;
  };
  let reported = 0;
  if (evaluated.isDue(step)) await evaluated.at(step); // a kill may have come between the checkpoint and its evaluation
  const batches = data.batches(step, cursor);
  try {
    while (step < steps && options.signal?.aborted !== true) {
      const waitFrom = performance.now();
      // also lets signals, timers and messages in: a step holds the thread
      await setImmediate();
      const next = await batches.next();
      if (next.done === true) break;
      const workFrom = performance.now();
      const lr = learningRate(step + 1, steps, settings);
      const result = await oneStep(context, next.value, step + 1, lr);
      if (result.refused !== null) {
        await save();
        const kept = saved === 0 ? null : checkpointFiles(run, saved).model;
        throw new TrainingDivergedError(step + 1, result.refused, next.value, kept);
      }
      step++;
      cursor = next.value.cursor;
      last = {
        step,
        epoch: Math.floor((step - 1) / data.stepsPerEpoch),
        ...metricsOf(result),
        lr,
        samplesPerSecond: round((1000 * settings.batchSize) / (performance.now() - waitFrom)),
        dataWaitMs: round(workFrom - waitFrom),
        stepMs: round(performance.now() - workFrom),
        residentMegabytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
        tensors: tf.memory().numTensors,
      };
      await context.runLog.append(last);
      options.onStep?.(last);
      if (performance.now() - reported > 2000 || step === steps) {
        reported = performance.now();
        log(progressLine(last, steps, (reported - started) / 1000 / (step - context.from)));
      }
      if (step % settings.checkpointEvery === 0) await save();
      if (evaluated.isDue(step)) await evaluated.at(step);
    }
    await save();
  } finally {
    await batches.return();
  }
  const finished = step >= steps;
  if (finished) await evaluated.at(step);
  return {
    status: finished ? "finished" : "stopped",
    step,
    steps,
    checkpoint: checkpointFiles(run, step).model,
    last,
    evaluation: evaluated.last,
    samples: (step - context.from) * settings.batchSize,
    seconds: (performance.now() - started) / 1000,
  };
}

async function writeCheckpoint(context: RunContext, step: number, cursor: ShardCursor | null): Promise<void> {
  const { run, config, parameters, optimizer, settings } = context;
  const state = await readTrainerState(config, parameters, optimizer);
  await saveCheckpoint(run, { step, cursor, ...state }, { format: "pt", step: String(step) });
  await pruneCheckpoints(run, settings.keepLast);
}

async function oneStep(context: RunContext, batch: Batch, step: number, lr: number): Promise<StepResult> {
  const { config, settings, parameters, optimizer } = context;
  const { gradClip, maxLogitScale, batchSize } = settings;
  const [height, width] = imageSize(config.vision_cfg);
  const images = tf.tensor4d(batch.images, [batchSize, height, width, 3]);
  const tokens = tf.tensor2d(batch.tokens, [batchSize, config.text_cfg.context_length], "int32");
  try {
    const input = { images, tokens, step, lr, gradClip, maxLogitScale };
    return await trainStep(parameters, config, optimizer, context.ops, input);
  } finally {
    tf.dispose([images, tokens]);
  }
}

/** Runs the evaluation of a step once, also over several starts of the run, and keeps its last numbers. */
class Evaluations {
  last: Record<string, number> | null;
  private done: number;

  constructor(
    private readonly context: RunContext,
    private readonly options: TrainOptions,
  ) {
    const { evaluated } = context.runLog;
    this.last = evaluated?.evaluation ?? null;
    this.done = evaluated?.step ?? -1;
  }

  /** Whether a step is one of those that are evaluated on the way. */
  isDue(step: number): boolean {
    const { evaluateEvery } = this.context.settings;
    return evaluateEvery !== null && step > 0 && step % evaluateEvery === 0;
  }

  async at(step: number): Promise<void> {
    const { evaluate, log = () => {} } = this.options;
    if (evaluate === undefined || this.done === step) return;
    const { config, parameters } = this.context;
    this.last = await evaluate({ step, config, parameters });
    this.done = step;
    await this.context.runLog.append({ step, evaluation: this.last });
    const numbers = Object.entries(this.last).map(([name, value]) => `${name} ${value.toFixed(3)}`);
    log(`step ${step}: ${numbers.join(", ")}`);
  }
}

function metricsOf({ loss, logitScale, gradientNorm }: StepResult) {
  return { loss, logitScale, gradientNorm };
}

const round = (value: number) => Math.round(value * 10) / 10;

function progressLine(metrics: StepMetrics, steps: number, secondsPerStep: number): string {
  const left = Math.round((steps - metrics.step) * secondsPerStep);
  return (
    `step ${metrics.step}/${steps}  loss ${metrics.loss.toFixed(3)}  temperature 1/${metrics.logitScale.toFixed(1)}  ` +
    `${metrics.samplesPerSecond.toFixed(0)} samples/s  ${left} s left`
  );
}

import { setImmediate } from "node:timers/promises";
import * as tf from "@tensorflow/tfjs";
import { type ModelConfig, modelMetadata } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import type { ShardCursor } from "@pairloom/shards";
import type { HeldLock } from "@pairloom/storage/lock";
import type { Batch } from "./data/batch.js";
import type { TrainingData } from "./data/trainingData.js";
import { learningRate } from "./optimizer/learningRate.js";
import { isBetter, readBest, writeBest } from "./run/bestCheckpoint.js";
import { checkpointFiles, pruneCheckpoints, saveCheckpoint } from "./run/checkpoint.js";
import type { StepMetrics } from "./run/metricsLog.js";
import type { RunLog } from "./run/runLog.js";
import { readTrainerState } from "./run/trainerState.js";
import { TrainingWatch } from "./run/trainingWatch.js";
import type { TrainSettings } from "./settings/trainSettings.js";
import type { TrainOptions, TrainResult } from "./train.js";
import { stepSettings } from "./step/stepSettings.js";
import type { StepVariables } from "./step/stepVariables.js";
import type { StepResult, TrainingStep } from "./step/trainingStep.js";

export interface RunContext {
  run: string;
  /** The run folder's: nothing is written once it is lost. */
  lock: Pick<HeldLock, "assertHeld">;
  settings: TrainSettings;
  config: ModelConfig;
  data: TrainingData;
  variables: StepVariables;
  step: TrainingStep;
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
  const watch = new TrainingWatch(stepSettings(settings, context.variables));
  const checkpoints = new Checkpoints(context, log);
  let step = context.from;
  let last: StepMetrics | null = null;
  let { cursor } = context;
  const save = () => checkpoints.save(step, cursor);
  const evaluateNow = async () => {
    // first the checkpoint, so that the best one is there to be kept
    await save();
    await checkpoints.judge(step, await evaluated.at(step));
  };
  let reported = 0;
  if (evaluated.isDue(step)) await evaluateNow(); // a kill may have come between the checkpoint and its evaluation
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
      const result = await context.step.run(next.value, step + 1, lr);
      if (result.refused !== null) {
        await save();
        const kept = step === 0 ? null : checkpointFiles(run, step).model;
        throw new TrainingDivergedError(step + 1, result.refused, next.value, kept);
      }
      step++;
      cursor = next.value.cursor;
      const batch = next.value;
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
        falseNegatives: batch.falseNegatives,
        truncatedCaptions: batch.truncatedCaptions,
      };
      context.lock.assertHeld();
      await context.runLog.append(last);
      options.onStep?.(last);
      watch.observe(last).forEach((warning) => log(`warning: step ${step}: ${warning}`));
      if (performance.now() - reported > 2000 || step === steps) {
        reported = performance.now();
        log(progressLine(last, steps, (reported - started) / 1000 / (step - context.from)));
      }
      if (step % settings.checkpointEvery === 0 || checkpoints.isDue()) await save();
      if (evaluated.isDue(step)) await evaluateNow();
    }
    await save();
  } finally {
    await batches.return();
  }
  const finished = step >= steps;
  if (finished) await evaluateNow();
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

/** Writes the checkpoints of a run, each step's once, and keeps those that are to stay. */
class Checkpoints {
  private saved: number;
  private savedAt = performance.now();

  constructor(
    private readonly context: RunContext,
    private readonly log: (line: string) => void,
  ) {
    this.saved = context.from;
  }

  /** By the clock. */
  isDue(): boolean {
    const { checkpointMinutes } = this.context.settings;
    return checkpointMinutes !== null && performance.now() - this.savedAt > 60_000 * checkpointMinutes;
  }

  async save(step: number, cursor: ShardCursor | null): Promise<void> {
    const { run, lock, variables, settings, config } = this.context;
    this.savedAt = performance.now();
    if (this.saved === step) return;
    lock.assertHeld();
    const state = await this.context.step.withVariables(() => readTrainerState(variables));
    await saveCheckpoint(run, { step, cursor, ...state }, { ...modelMetadata(config), step: String(step) });
    this.saved = step;
    await pruneCheckpoints(run, step, settings.keepLast, (await readBest(run))?.step ?? null);
  }

  /** Keeps a step's checkpoint beyond the last few if its evaluation is the best so far. */
  async judge(step: number, evaluation: Record<string, number> | null): Promise<void> {
    const { run, settings } = this.context;
    const metric = settings.keepBest;
    if (metric === null || evaluation === null) return;
    const value = evaluation[metric];
    if (value === undefined) {
      this.log(
        `warning: no checkpoint is kept as the best: the evaluation gives no ${metric}, but ${Object.keys(evaluation).join(", ")}`,
      );
      return;
    }
    if (!isBetter(metric, value, await readBest(run))) return;
    this.context.lock.assertHeld();
    await writeBest(run, { metric, value, step });
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

  /** The numbers of a step's evaluation; null where there is none. */
  async at(step: number): Promise<Record<string, number> | null> {
    const { evaluate, log = () => {} } = this.options;
    if (evaluate === undefined) return null;
    if (this.done === step) return this.last;
    const { config, variables } = this.context;
    const model = { step, config, parameters: modelOf(variables) };
    this.last = await this.context.step.withVariables(() => evaluate(model));
    this.done = step;
    this.context.lock.assertHeld();
    await this.context.runLog.append({ step, evaluation: this.last });
    const numbers = Object.entries(this.last).map(([name, value]) => `${name} ${value.toFixed(3)}`);
    log(`step ${step}: ${numbers.join(", ")}`);
    return this.last;
  }
}

/** The model as its checkpoints have it: with the averages in the place of parameters, where they are kept. */
function modelOf({ parameters, trained }: StepVariables): Map<string, tf.Variable> {
  const model = new Map(parameters);
  for (const [key, { average }] of trained) if (average !== null) model.set(key, average);
  return model;
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

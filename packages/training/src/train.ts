import { resolve } from "node:path";
import type * as tf from "@tensorflow/tfjs";
import { type ModelConfig, type StateDict } from "@pairloom/clip";
import type { Engine } from "@pairloom/engine";
import { refuseHeldOut } from "./data/heldOut.js";
import { type DataIdentity, identityOf, openRelease } from "./data/openRelease.js";
import { openTrainingData, type TrainingData } from "./data/trainingData.js";
import { readLaunchManifest } from "./launcher/launchedRun.js";
import { type Checkpoint, sweepCheckpoints } from "./run/checkpoint.js";
import { lockRun } from "./run/lockRun.js";
import type { StepMetrics } from "./run/metricsLog.js";
import { checkNoneIsLost, loadNewestCheckpoint } from "./run/newestCheckpoint.js";
import { openRunLog } from "./run/runLog.js";
import { checkResume, readRunRecord, type RunRecord, writeRunRecord } from "./run/runRecord.js";
import { outlook, outlookLine } from "./run/outlook.js";
import { preflight } from "./run/preflight.js";
import { startingModel } from "./run/startingModel.js";
import { restoreTrainerState } from "./run/trainerState.js";
import { captionWarnings } from "./run/trainingWatch.js";
import { StepVariables } from "./step/stepVariables.js";
import { accumulates, openTrainingStep, type TrainingStep } from "./step/trainingStep.js";
import { UserError } from "@pairloom/config/errors";
import { checkAgainst } from "./settings/checkAgainst.js";
import type { TrainSettings } from "./settings/trainSettings.js";
import { runSteps } from "./runSteps.js";

/** A model as an evaluation during training sees it. It owns nothing of it. */
export interface ModelInTraining {
  step: number;
  config: ModelConfig;
  parameters: ReadonlyMap<string, tf.Variable>;
}

export interface TrainOptions {
  engine: Engine;
  /** Called after each step. */
  onStep?: (metrics: StepMetrics) => void;
  /** Called every `evaluateEvery` steps and at the end; its numbers go to the metrics. */
  evaluate?: (model: ModelInTraining) => Promise<Record<string, number>>;
  /** Lines for people: what begins, progress, warnings. */
  log?: (line: string) => void;
  /** Aborted: the step under way is finished, a checkpoint written, and the run can be resumed. */
  signal?: AbortSignal;
}

export interface TrainResult {
  status: "finished" | "stopped";
  /** Steps done, of `steps`. */
  step: number;
  steps: number;
  /** The newest checkpoint's weights: safetensors in open_clip's layout. */
  checkpoint: string;
  /** Of the last step; null where there was nothing left to do. */
  last: StepMetrics | null;
  evaluation: Record<string, number> | null;
  samples: number;
  seconds: number;
}

/**
 * Trains a two-tower CLIP on a release, from the start or from where the run in `settings.out` stopped.
 *
 * @throws UserError where settings, release, model or run folder can't be used; TrainingDivergedError where the loss is lost
 */
export async function train(given: TrainSettings, options: TrainOptions): Promise<TrainResult> {
  const { engine, log = () => {} } = options;
  const run = resolve(given.out);
  const before = await readRunRecord(run);
  const start = await startingModel(given, before, log);
  const { config } = start;
  const settings = withModelDropout(given, config);
  checkAgainst(settings, config, engine);
  const release = await openRelease(settings.data);
  await refuseHeldOut(release.store, settings.allowHeldOut);
  if ((await readLaunchManifest(run)) !== null) {
    throw new UserError("run_launched", `${run} holds a run that open_clip trains`, {
      hint: "Give --launcher to go on with it, or another --out folder.",
    });
  }
  if (before !== null && !settings.resume) {
    throw new UserError("run_exists", `${run} holds a training run already`, {
      hint: "Give --resume to go on with it, or another --out folder.",
    });
  }
  const lock = await lockRun(run, { log });
  try {
    await sweepCheckpoints(run);
    const data = await openTrainingData(release, settings, config, log);
    const identity = await identityOf(release, before?.data ?? null);
    const record = makeRecord(settings, config, data, identity, engine);
    if (before === null) await writeRunRecord(run, record);
    else checkResume(before, record).forEach((warning) => log(`warning: ${warning}`));
    const from =
      before === null ? null : await loadNewestCheckpoint(run, config, (line) => log(`warning: ${line}`));
    if (before !== null && from === null)
      await checkNoneIsLost(run, Math.max(before.settings.checkpointEvery, settings.checkpointEvery));
    log(
      `${data.samples} samples${data.cached ? " in memory" : ""}, batches of ${settings.batchSize}, ` +
        `${record.steps} steps${from === null ? "" : `, resumed after step ${from.step}`}; ${engine.description}`,
    );
    log(outlookLine(outlook(config, settings, engine.name)));
    captionWarnings(data.captionReport).forEach((warning) => log(`warning: ${warning}`));
    const state = from?.model ?? (await start.state());
    if (from === null) log(await preflight(engine, config, state, settings, data));
    const runLog = await openRunLog(run, from?.step ?? 0, settings.tensorboard);
    try {
      return await withStep(engine, config, settings, state, from, (variables, step) =>
        runSteps(
          {
            run,
            lock,
            settings,
            config,
            data,
            variables,
            step,
            from: from?.step ?? 0,
            cursor: from?.cursor ?? null,
            steps: record.steps,
            runLog,
          },
          options,
        ),
      );
    } finally {
      await runLog.close();
    }
  } finally {
    await lock.release();
  }
}

/** Patches are dropped as the model's config says where the settings say nothing. */
function withModelDropout(settings: TrainSettings, { vision_cfg: vision }: ModelConfig): TrainSettings {
  const { patchDropout } = settings;
  return { ...settings, patchDropout: patchDropout === 0 ? (vision.patch_dropout ?? 0) : patchDropout };
}

function makeRecord(
  settings: TrainSettings,
  model: ModelConfig,
  data: TrainingData,
  identity: DataIdentity,
  engine: Engine,
): RunRecord {
  const { samples, skipped, stepsPerEpoch, cached } = data;
  return {
    version: 1,
    settings,
    model,
    data: { ...identity, samples, skipped, stepsPerEpoch, cached },
    steps: settings.steps ?? Math.max(1, Math.round((settings.epochs ?? 1) * stepsPerEpoch)),
    engine: { name: engine.name, version: engine.version, threads: engine.threads },
    versions: { node: process.version, platform: `${process.platform}-${process.arch}` },
  };
}

/** Lays a model and its optimizer out on the engine, from a checkpoint or anew, and frees both afterwards. */
async function withStep<T>(
  engine: Engine,
  config: ModelConfig,
  settings: TrainSettings,
  state: StateDict,
  from: Checkpoint | null,
  work: (variables: StepVariables, step: TrainingStep) => Promise<T>,
): Promise<T> {
  const variables = new StepVariables(config, state, settings, { accumulates: accumulates(settings) });
  try {
    if (from !== null) restoreTrainerState(variables, from.optimizer);
    const step = openTrainingStep(engine, variables, settings);
    try {
      return await work(variables, step);
    } finally {
      step.dispose();
    }
  } finally {
    variables.dispose();
  }
}

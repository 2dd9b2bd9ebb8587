import type { ModelConfig } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import type { TrainSettings } from "../settings/trainSettings.js";
import { type EpochPlan, planEpochs, planWorkers } from "./epochPlan.js";
import { tellOpenClip, type Telling } from "./flagTable.js";
import type { LaunchSettings } from "./launchSettings.js";

/** One setting of ours and what open_clip is told of it. */
export interface HandedSetting extends Telling {
  setting: string;
  value: unknown;
}

export interface HandOver {
  settings: HandedSetting[];
  plan: EpochPlan;
  /** Pairs in each process's part of a micro-batch (open_clip's --batch-size). */
  batchSizePerProcess: number;
  workers: number;
  resampled: boolean;
  warnings: string[];
}

export interface HandOverFacts {
  samples: number;
  shards: number;
  device: "cpu" | "cuda";
}

/**
 * What open_clip is told of a training's settings, flag by flag, and what it can't be told.
 *
 * @throws UserError "batch_not_divisible" where the batch can't be shared out among the processes
 */
export function handOver(
  settings: TrainSettings,
  config: ModelConfig,
  launch: LaunchSettings,
  { samples, shards, device }: HandOverFacts,
): HandOver {
  const world = launch.processes * launch.nodes;
  const parts = world * settings.accumulate;
  if (settings.batchSize % parts !== 0) {
    throw new UserError(
      "batch_not_divisible",
      `A batch of ${settings.batchSize} pairs can't be shared out among ${world} processes × ${settings.accumulate} micro-batches`,
      { hint: `--batch-size counts the pairs of a whole step: choose a multiple of ${parts}.` },
    );
  }
  const resampled = launch.resampled || shards < world;
  const perProcess = resampled ? Infinity : Math.floor(shards / world);
  const mostWorkers = Math.min(launch.workers ?? (device === "cuda" ? 4 : 1), perProcess);
  const pass = Math.max(1, Math.floor(samples / settings.batchSize));
  const wanted = settings.steps ?? Math.max(1, Math.round((settings.epochs ?? 1) * pass));
  const wish = {
    steps: wanted,
    // shards that are drawn anew know no passes: an epoch is what lies between two checkpoints
    target: resampled ? settings.checkpointEvery : pass,
    batchSize: settings.batchSize,
    accumulate: settings.accumulate,
  };
  const { plan, workers } =
    launch.workers === null
      ? planWorkers(wish, mostWorkers)
      : { plan: planEpochs({ ...wish, workers: mostWorkers }), workers: mostWorkers };
  const batchSizePerProcess = settings.batchSize / parts;
  const handed = Object.keys(settings).map((name) => {
    const key = name as keyof TrainSettings;
    const telling = tellOpenClip(settings, { key, config, plan, batchSizePerProcess });
    return { setting: key, value: settings[key], ...telling };
  });
  const warnings = handed.flatMap(({ setting, value, note, warns }) =>
    warns ? [`\`${setting}\` is ${JSON.stringify(value)}: ${note}`] : [],
  );
  if (plan.steps !== wanted) {
    warnings.push(
      `open_clip trains whole epochs: ${wanted} steps become ${plan.steps} (${plan.epochs} epochs of ${plan.stepsPerEpoch})`,
    );
  }
  if (resampled && !launch.resampled) {
    warnings.push(
      `${shards} shards for ${world} processes: shards are drawn with replacement (--dataset-resampled)`,
    );
  }
  if (launch.workers !== null && workers < launch.workers) {
    warnings.push(
      `${shards} shards give each process at most ${workers} loader processes, not ${launch.workers}`,
    );
  }
  return { settings: handed, plan, batchSizePerProcess, workers, resampled, warnings };
}

import type { ModelConfig } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import type { HandOver } from "./handOver.js";
import type { LaunchSettings } from "./launchSettings.js";
import type { LaunchedRunPaths } from "./launchedRun.js";

export interface CommandFacts {
  paths: LaunchedRunPaths;
  config: ModelConfig;
  handed: HandOver;
  launch: LaunchSettings;
  device: "cpu" | "cuda";
  /** Local paths of the shards, in order. */
  shards: readonly string[];
}

/** The arguments of open_clip's trainer (`open_clip_train.main`, 3.3.0) for a training. */
export function openClipArguments({ paths, config, handed, launch, device, shards }: CommandFacts): string[] {
  const world = launch.processes * launch.nodes;
  const isSigLip = typeof config.init_logit_bias === "number";
  return [
    ...["--model", `local-dir:${paths.modelFolder}`],
    ...["--train-data", shardPattern(shards), "--dataset-type", "webdataset"],
    ...(handed.resampled ? ["--dataset-resampled"] : []),
    ...["--workers", String(handed.workers)],
    ...handed.settings.flatMap(({ flags }) => flags),
    ...imageFlags(config),
    ...(isSigLip ? ["--siglip"] : world > 1 ? ["--local-loss", "--gather-with-grad"] : []),
    ...["--device", device, "--log-every-n-steps", String(launch.logEvery)],
    ...["--logs", paths.folder, "--name", paths.openClipName],
    ...["--resume", "latest"],
  ];
}

/** How images are made, where the model says it; the folder says the same to whoever loads the model from there. */
function imageFlags({ preprocess_cfg: said }: ModelConfig): string[] {
  if (said === undefined) return [];
  const { mean, std, interpolation, resize_mode } = said;
  return [
    ...["--image-mean", ...mean.map(String), "--image-std", ...std.map(String)],
    ...["--image-interpolation", interpolation, "--image-resize-mode", resize_mode],
  ];
}

/** What torchrun starts in each process: the trainer as a module, or on CPUs by way of the file that lets it run there. */
export function trainerProgram(paths: LaunchedRunPaths, device: "cpu" | "cuda"): string[] {
  // `--` keeps torchrun from reading open_clip's --logs as the beginning of an option of its own
  return device === "cuda" ? ["-m", "--", "open_clip_train.main"] : ["--", paths.cpuProgram];
}

/**
 * Paths as one string that open_clip expands: `FOLDER/{00000..00009}.tar` for numbers in a row, else joined by `::`.
 *
 * @throws UserError "release_path_unfit" where a path holds what open_clip would read as a pattern
 */
export function shardPattern(paths: readonly string[]): string {
  const unfit = paths.find((path) => /[{}]|::/.test(path));
  if (unfit !== undefined) {
    throw new UserError("release_path_unfit", `open_clip would read ${unfit} as a pattern of several files`, {
      hint: 'Put the release in a folder without "{", "}" and "::" in its path.',
    });
  }
  const parts = paths.map((path) => /^(.*?)(\d+)\.tar$/.exec(path));
  const [first, last] = [parts[0], parts.at(-1)];
  const inARow = parts.every(
    (part, i) =>
      part !== null &&
      first !== null &&
      part[1] === first?.[1] &&
      part[2]?.length === first?.[2]?.length &&
      Number(part[2]) === Number(first?.[2]) + i,
  );
  return inARow && paths.length > 1 ? `${first?.[1]}{${first?.[2]}..${last?.[2]}}.tar` : paths.join("::");
}

import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { z } from "zod";
import { launchSettings } from "./launchSettings.js";

/** Files of a run that open_clip trains. `run.json`, `metrics.jsonl` and `checkpoints/` are those of any run. */
export interface LaunchedRunPaths {
  run: string;
  /** What was handed over, and open_clip's own folder. */
  folder: string;
  manifest: string;
  /** Starts the training: the command that was run, or that the job runs. */
  script: string;
  /** The job's description for Slurm or Kubernetes. */
  job: { slurm: string; kubernetes: string };
  /** Config and starting weights, as open_clip's `local-dir:` takes them. */
  modelFolder: string;
  cpuProgram: string;
  /** open_clip's --name: its folder below `folder`. */
  openClipName: string;
  log: string;
  openClipCheckpoints: string;
  /** Standard output and error of the processes. */
  output: string;
  /** The mark of the processes that train here, while some do. */
  process: string;
  /** The last job that a cluster took. */
  submitted: string;
}

export function launchedRunPaths(out: string): LaunchedRunPaths {
  const run = resolve(out);
  const folder = join(run, "launcher");
  const openClipName = "open_clip";
  return {
    run,
    folder,
    manifest: join(folder, "manifest.json"),
    script: join(folder, "launch.sh"),
    job: { slurm: join(folder, "job.sbatch"), kubernetes: join(folder, "job.json") },
    modelFolder: join(folder, "model"),
    cpuProgram: join(folder, "open_clip_on_cpu.py"),
    openClipName,
    log: join(folder, openClipName, "out.log"),
    openClipCheckpoints: join(folder, openClipName, "checkpoints"),
    output: join(folder, "output.log"),
    process: join(folder, "process.json"),
    submitted: join(folder, "submitted.json"),
  };
}

/** `launcher/manifest.json`: everything that was handed to open_clip. */
export const launchManifest = z.object({
  version: z.literal(1),
  openClip: z.string(),
  launch: launchSettings,
  device: z.enum(["cpu", "cuda"]),
  release: z.object({
    data: z.string(),
    fingerprint: z.string(),
    samples: z.int(),
    shards: z.array(z.string()),
  }),
  /** sha256 of the starting weights' file. */
  startingWeights: z.string(),
  plan: z.object({
    epochs: z.int(),
    stepsPerEpoch: z.int(),
    samplesPerEpoch: z.int(),
    steps: z.int(),
  }),
  batchSizePerProcess: z.int(),
  settings: z.array(
    z.object({
      setting: z.string(),
      value: z.unknown(),
      flags: z.array(z.string()),
      note: z.string().nullable(),
      warns: z.boolean(),
    }),
  ),
  warnings: z.array(z.string()),
  command: z.array(z.string()),
  /** What was found here; null where the processes run elsewhere. */
  found: z
    .object({ python: z.string(), torch: z.string(), openClip: z.string(), webdataset: z.string() })
    .nullable(),
});
export type LaunchManifest = z.infer<typeof launchManifest>;

/** The manifest of a run; null where open_clip doesn't train it. @throws UserError "run_damaged" */
export async function readLaunchManifest(out: string): Promise<LaunchManifest | null> {
  const { manifest } = launchedRunPaths(out);
  let text: string;
  try {
    text = await readFile(manifest, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    return launchManifest.parse(JSON.parse(text));
  } catch (cause) {
    throw new UserError("run_damaged", `${manifest} is not what a launcher wrote`, {
      hint: "Choose another --out folder.",
      cause,
    });
  }
}

import type { LaunchSettings } from "./launchSettings.js";
import type { LaunchedRunPaths } from "./launchedRun.js";
import { shellWords } from "./shellWords.js";

/**
 * A Slurm job: one task a node, each of which starts the node's processes by `launch.sh`. A requeued job goes on from
 * open_clip's newest checkpoint.
 */
export function slurmScript(
  {
    launch,
    device,
    name,
    workers,
  }: { launch: LaunchSettings; device: "cpu" | "cuda"; name: string; workers: number },
  paths: LaunchedRunPaths,
): string {
  const options = [
    `--job-name=${name}`,
    `--nodes=${launch.nodes}`,
    "--ntasks-per-node=1",
    `--cpus-per-task=${launch.processes * (1 + workers)}`,
    ...(device === "cuda" ? [`--gpus-per-node=${launch.processes}`] : []),
    ...(launch.partition === null ? [] : [`--partition=${launch.partition}`]),
    ...(launch.account === null ? [] : [`--account=${launch.account}`]),
    ...(launch.timeLimit === null ? [] : [`--time=${launch.timeLimit}`]),
    `--output=${paths.output}`,
    "--open-mode=append",
    "--requeue",
  ];
  return `#!/usr/bin/env bash
${options.map((option) => `#SBATCH ${option}`).join("\n")}
set -euo pipefail
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
export PAIRLOOM_RENDEZVOUS="$first:$((20000 + SLURM_JOB_ID % 20000))"
# open_clip would take its place among the processes from SLURM_PROCID, which counts nodes here: torchrun's names hold
srun --kill-on-bad-exit=1 env -u SLURM_PROCID -u SLURM_LOCALID -u SLURM_NTASKS bash ${shellWords([paths.script])}
`;
}

import type { LaunchSettings } from "./launchSettings.js";
import { shellWords } from "./shellWords.js";

export interface ScriptFacts {
  launch: LaunchSettings;
  /** What torchrun starts in each process. */
  program: readonly string[];
  /** open_clip's arguments. */
  arguments: readonly string[];
  /** CPU threads of each process; null shares the node's out. */
  threads: number | null;
  /** Names the training among others: torchrun's rendezvous, the job. */
  id: string;
}

/**
 * A shell script that starts this node's processes under torchrun. Where a Slurm job runs it, on each node by srun, the
 * processes meet at the job's first node.
 */
export function launchScript(facts: ScriptFacts): string {
  const { launch, program, threads } = facts;
  return `#!/usr/bin/env bash
# open_clip's trainer under torchrun, as \`pairloom train --launcher ${launch.launcher}\` handed it over.
set -euo pipefail
export OMP_NUM_THREADS=${threadCount(launch, threads)}
exec ${shellWords([launch.python, "-m", "torch.distributed.run"])} \\
  ${meeting(facts)} --nproc-per-node ${launch.processes} \\
  ${shellWords(program)} \\
${argumentLines(facts.arguments)}
`;
}

function threadCount({ processes }: LaunchSettings, threads: number | null): string {
  return threads === null ? `$(( ($(nproc) + ${processes - 1}) / ${processes} ))` : String(threads);
}

function meeting({ launch, id }: ScriptFacts): string {
  const { launcher, nodes, rendezvous } = launch;
  if (nodes === 1) return "--standalone --nnodes 1";
  const at = (endpoint: string) =>
    `--nnodes ${nodes} --rdzv-backend c10d --rdzv-id ${id} --rdzv-endpoint ${endpoint}`;
  switch (launcher) {
    case "torchrun":
      return at(shellWords([rendezvous!]));
    case "slurm":
      return at('"$PAIRLOOM_RENDEZVOUS"');
    case "kubernetes":
      // the pod with index 0 keeps the meeting place
      return `${at(`${id}-0.${id}:29500`)} --rdzv-conf "is_host=$([ "$JOB_COMPLETION_INDEX" = 0 ] && echo 1 || echo 0)"`;
  }
}

/** A flag with its values a line. */
function argumentLines(words: readonly string[]): string {
  const lines: string[][] = [];
  for (const word of words) {
    if (word.startsWith("--") || lines.length === 0) lines.push([word]);
    else lines.at(-1)!.push(word);
  }
  return lines.map((line) => `  ${shellWords(line)}`).join(" \\\n");
}

import { rename } from "node:fs/promises";
import { join } from "node:path";
import type { ModelConfig } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import {
  type Checkpoint,
  CheckpointDamagedError,
  checkpointNames,
  listCheckpoints,
  loadCheckpoint,
} from "./checkpoint.js";
import { metricsLines } from "./metricsLog.js";

/**
 * The newest checkpoint that can be read; null where the run has come to none yet. A damaged one is set aside under the
 * ending `.damaged`. One that something else keeps from being read (memory, permissions, the disk) stays as it is. Both
 * are reported, and the one before is taken.
 *
 * @throws UserError "checkpoints_unreadable" where there are checkpoints, damaged ones included, and none can be read
 */
export async function loadNewestCheckpoint(
  run: string,
  config: ModelConfig,
  warn: (line: string) => void,
): Promise<Checkpoint | null> {
  let cause: unknown;
  for (const files of (await listCheckpoints(run)).reverse()) {
    try {
      return await loadCheckpoint(files, config);
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof CheckpointDamagedError) {
        warn(`checkpoint ${files.model} is damaged (${message}); going back to the one before`);
        for (const path of [files.manifest, files.model, files.optimizer])
          await rename(path, `${path}.damaged`).catch(() => {});
      } else {
        warn(`checkpoint ${files.model} can't be read (${message}); it stays, going back to the one before`);
        cause ??= error;
      }
    }
  }
  const there = (await checkpointNames(run)).filter((name) => /^step-\d{6,}\./.test(name));
  if (there.length > 0) throw unreadable(run, there, cause);
  return null;
}

function unreadable(run: string, there: readonly string[], cause: unknown): UserError {
  const folder = join(run, "checkpoints");
  const steps = new Set(there.map((name) => name.split(".", 1)[0])).size;
  const why = cause === undefined ? "they are damaged, or lack their manifests" : (cause as Error).message;
  return new UserError(
    "checkpoints_unreadable",
    `None of the ${steps} checkpoints in ${folder} can be read: ${why}`,
    {
      hint:
        cause === undefined
          ? `Put them back from a copy and resume again; or remove ${folder} to begin at step 1 again.`
          : "They were left as they are: mend what is in the way (memory, permissions, the disk), and resume again.",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

/**
 * Checks that a run without a checkpoint had come to none: its metrics would have told.
 *
 * @param checkpointEvery steps after which it surely wrote one
 * @throws UserError "checkpoints_missing"
 */
export async function checkNoneIsLost(run: string, checkpointEvery: number): Promise<void> {
  let last = 0;
  for await (const { step } of metricsLines(run)) last = Math.max(last, step);
  // a kill may have come after the step and before its checkpoint
  if (last <= checkpointEvery) return;
  throw new UserError("checkpoints_missing", `${run} has trained ${last} steps, but has no checkpoint`, {
    hint:
      `Put ${join(run, "checkpoints")} back from a copy and resume again. To begin at step 1 again, choose another --out ` +
      "folder, or remove metrics.jsonl.",
  });
}

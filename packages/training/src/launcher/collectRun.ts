import { UserError } from "@pairloom/config/errors";
import { lockRun } from "../run/lockRun.js";
import { readRunRecord } from "../run/runRecord.js";
import { LogFollower } from "./logFollower.js";
import { importEpochs } from "./importOpenClip.js";
import { launchedRunPaths, readLaunchManifest } from "./launchedRun.js";
import type { LaunchedMetrics } from "./openClipLog.js";

/**
 * Brings metrics and checkpoints of a launched run up to what open_clip has written by now: for jobs that nobody follows.
 *
 * @throws UserError "run_not_launched" where the folder is no launched run
 */
export async function collectRun(run: string): Promise<{ imported: number[]; last: LaunchedMetrics | null }> {
  const manifest = await readLaunchManifest(run);
  const record = await readRunRecord(run);
  if (manifest === null || record === null) {
    throw new UserError("run_not_launched", `${run} holds no run that a launcher started`, {
      hint: "Name the --out folder of `pairloom train --launcher …`, or a file of weights.",
    });
  }
  const paths = launchedRunPaths(run);
  const lock = await lockRun(paths.run);
  try {
    const follower = new LogFollower(paths, { ...record.settings, ...manifest.plan });
    await follower.read();
    const imported = await importEpochs(paths, record.model, manifest, record.settings.keepLast);
    return { imported, last: follower.last };
  } finally {
    await lock.release();
  }
}

import type { Road } from "@pairloom/queue";
import type { Store } from "@pairloom/storage";
import { deviceLane, readRunJob, trainingJobId, type WishedRun } from "./runJob.js";

/** Puts the job of a run's newest wish to train on its device's lane; of two times the second has no effect. */
export async function queueTraining(road: Road, { job, train }: WishedRun): Promise<void> {
  await road.add("trainer", [
    {
      id: trainingJobId(job.run, train),
      data: { run: job.run, wish: train },
      lane: deviceLane(job.device),
      priority: job.priority,
    },
  ]);
}

/**
 * Puts every run whose wish to train has no job (its launcher was killed between both, Redis lost its data) on the queue.
 * Jobs that are there, failed ones too, stay as they are.
 *
 * @param settled runs that need no look any more; added to
 * @returns how many are wished
 */
export async function putBackTrainings(
  context: { road: Road; store: Store; isFinished: (run: string) => Promise<boolean> },
  runs: readonly string[],
  settled: Set<string>,
): Promise<number> {
  let count = 0;
  for (const run of runs) {
    if (settled.has(run)) continue;
    const wished = await readRunJob(context.store, run);
    if (wished === null) continue;
    if (wished.wish === "cancel" || (await context.isFinished(run))) settled.add(run);
    else if (wished.wish === "train") {
      await queueTraining(context.road, wished);
      count++;
    }
  }
  return count;
}

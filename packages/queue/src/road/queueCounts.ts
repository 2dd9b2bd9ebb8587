import type { QueueName } from "./queueNames.js";

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
  paused: boolean;
}

/** Counts of each queue from the script's seven numbers for each of `queues`: a queue first, then its lanes. */
export function queueCounts(
  queues: readonly QueueName[],
  flat: readonly number[],
): Record<QueueName, QueueCounts> {
  const counts = {} as Record<QueueName, QueueCounts>;
  queues.forEach((name, at) => {
    const [waiting = 0, prioritized = 0, active = 0, delayed = 0, parents = 0, failed = 0, paused = 0] =
      flat.slice(at * 7, at * 7 + 7);
    const before = counts[name] as QueueCounts | undefined;
    counts[name] = {
      waiting: (before?.waiting ?? 0) + waiting + prioritized,
      active: (before?.active ?? 0) + active,
      delayed: (before?.delayed ?? 0) + delayed + parents,
      failed: (before?.failed ?? 0) + failed,
      paused: before?.paused ?? paused === 1,
    };
  });
  return counts;
}

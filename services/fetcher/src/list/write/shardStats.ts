import type { Reason } from "@pairloom/config";
import { statusOf } from "../rowOutcome.js";

/** NNNNN_stats.json, as img2dataset writes it; the times are seconds since 1970. */
export interface ShardStats {
  count: number;
  successes: number;
  failed_to_download: number;
  failed_to_resize: number;
  duration: number;
  start_time: number;
  end_time: number;
  /** "success" and the reasons. */
  status_dict: Record<string, number>;
}

/** @param reasons of all rows, null for those that were fetched */
export function shardStats(reasons: Iterable<Reason | null>, startMs: number, endMs: number): ShardStats {
  const stats: ShardStats = {
    count: 0,
    successes: 0,
    failed_to_download: 0,
    failed_to_resize: 0,
    duration: (endMs - startMs) / 1000,
    start_time: startMs / 1000,
    end_time: endMs / 1000,
    status_dict: {},
  };
  for (const reason of reasons) {
    const status = statusOf(reason);
    stats.count++;
    stats[status === "success" ? "successes" : status]++;
    const name = reason ?? "success";
    stats.status_dict[name] = (stats.status_dict[name] ?? 0) + 1;
  }
  return stats;
}

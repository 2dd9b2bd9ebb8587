import { Buffer } from "node:buffer";

/**
 * NNNNN_stats.json of a shard as img2dataset writes it; its times are fixed so that bytes repeat.
 * @param failures rows that are no samples; all rows, too, where they are more than the samples and these
 */
export function shardStats(
  successes: number,
  failures: { count?: number; failed_to_download?: number; failed_to_resize?: number } = {},
): Buffer {
  const stats = {
    count: failures.count ?? successes,
    successes,
    failed_to_download: failures.failed_to_download ?? 0,
    failed_to_resize: failures.failed_to_resize ?? 0,
    duration: 0,
    start_time: 0,
    end_time: 0,
    status_dict: { success: successes },
  };
  return Buffer.from(JSON.stringify(stats, null, 4));
}

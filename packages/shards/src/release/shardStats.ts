import { Buffer } from "node:buffer";

/**
 * NNNNN_stats.json of a shard of which everything was a success, as img2dataset writes it; its times are fixed so that
 * bytes repeat.
 */
export function shardStats(count: number): Buffer {
  const stats = {
    count,
    successes: count,
    failed_to_download: 0,
    failed_to_resize: 0,
    duration: 0,
    start_time: 0,
    end_time: 0,
    status_dict: { success: count },
  };
  return Buffer.from(JSON.stringify(stats, null, 4));
}

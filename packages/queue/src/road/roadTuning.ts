/** How patient the road is; tests are less so. */
export interface RoadTuning {
  /** Runs of a job before it is set aside as failed (kills don't count). */
  attempts: number;
  /** Wait before the second run; doubles from run to run. */
  backoffMs: number;
  /** A job whose worker has been silent for so long may be run by another. */
  lockDurationMs: number;
  /** How often workers look for such jobs. */
  stalledIntervalMs: number;
  /** Failed jobs kept for each queue, newest first. */
  keepFailed: number;
  /** How long a job that was counted is remembered. */
  countedTtlMs: number;
}

export const defaultTuning: RoadTuning = {
  attempts: 5,
  backoffMs: 1000,
  lockDurationMs: 10_000,
  stalledIntervalMs: 5000,
  keepFailed: 10_000,
  countedTtlMs: 86_400_000,
};

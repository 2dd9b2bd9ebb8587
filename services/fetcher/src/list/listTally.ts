import type { Reason } from "@pairloom/config";
import type { ListPosition } from "./read/openList.js";
import { type RowOutcome, statusOf } from "./rowOutcome.js";

/** What a run has done so far: for whoever looks on. */
export class ListTally {
  readonly startMs = Date.now();
  rows = 0;
  successes = 0;
  failedToDownload = 0;
  failedToResize = 0;
  /** Bytes as fetched. */
  bytes = 0;
  shards = 0;
  /** Shards of an earlier run. */
  shardsThere = 0;
  readonly reasons = new Map<Reason, number>();
  /** Rows read from the list and not ended yet. */
  open = 0;
  readonly position: ListPosition = { bytes: 0, totalBytes: 0 };
  /** How far the list was looked through before the first row is fetched. */
  readonly checking: ListPosition = { bytes: 0, totalBytes: 0 };
  /** What the user should know of the list. */
  readonly notes: string[] = [];

  count(outcome: RowOutcome): void {
    this.rows++;
    this.open--;
    this.bytes += outcome.bytes;
    const status = statusOf(outcome.reason);
    if (status === "success") this.successes++;
    else if (status === "failed_to_download") this.failedToDownload++;
    else this.failedToResize++;
    if (outcome.reason !== null)
      this.reasons.set(outcome.reason, (this.reasons.get(outcome.reason) ?? 0) + 1);
  }

  get seconds(): number {
    return (Date.now() - this.startMs) / 1000;
  }

  /** Share of the list that is done, by its bytes. */
  get share(): number {
    const { bytes, totalBytes } = this.position;
    if (totalBytes === 0) return 0;
    const read = bytes / totalBytes;
    return this.rows + this.open === 0 ? read : (read * this.rows) / (this.rows + this.open);
  }
}

import type { DedupeSettings, Reason, SegmentRow, Verdict } from "@pairloom/config";
import { HammingIndex } from "./hammingIndex.js";
import { isFetched } from "./release/picture.js";
import { Sha256Table } from "./sha256Table.js";

/** Bytes of a candidateId. */
const ID_BYTES = 16;

/**
 * Gives fetched rows provisional verdicts while the road runs: for the live funnel, not for the release, which decides
 * anew. About 150 bytes a kept picture. Rebuilt by judging earlier segments again, in any order; judging a segment
 * twice changes nothing.
 */
export class OnlineDeduper {
  private readonly byBytes = new Sha256Table();
  private readonly byPdq = new HammingIndex();
  private ids = Buffer.alloc(1024 * ID_BYTES);
  private count = 0;

  constructor(private readonly settings: DedupeSettings) {}

  /** Kept pictures so far. */
  get size(): number {
    return this.count;
  }

  get byteLength(): number {
    return this.byBytes.byteLength + this.byPdq.byteLength + this.ids.byteLength;
  }

  /** One verdict for each fetched row, in the order given; rows without a picture get none. */
  judge(rows: Iterable<SegmentRow>): Verdict[] {
    const verdicts: Verdict[] = [];
    for (const row of rows) if (isFetched(row)) verdicts.push(this.judgeRow(row));
    return verdicts;
  }

  private judgeRow({ candidateId, sha256, pdq, pdqQuality }: SegmentRow & { sha256: string }): Verdict {
    const same = this.byBytes.get(sha256);
    if (same !== undefined) {
      const owner = this.idAt(same);
      if (owner === candidateId || !this.settings.bytes) return kept(candidateId);
      return double(candidateId, "duplicate_bytes", owner);
    }
    const comparable = this.settings.near && pdq !== null && (pdqQuality ?? 0) > this.settings.minQuality;
    const near = comparable ? this.byPdq.within(pdq, this.settings.radius) : [];
    if (near.length > 0) {
      // the first that was kept, not the nearest: so that judging again names the same
      const first = near.reduce((least, { id }) => Math.min(least, id), Infinity);
      return double(candidateId, "duplicate_near", this.idAt(first));
    }
    const item = this.count++;
    if ((item + 1) * ID_BYTES > this.ids.length) {
      this.ids = Buffer.concat([this.ids, Buffer.alloc(this.ids.length)]);
    }
    this.ids.write(candidateId, item * ID_BYTES, "hex");
    this.byBytes.add(sha256, item);
    if (comparable) this.byPdq.add(pdq, item);
    return kept(candidateId);
  }

  private idAt(item: number): string {
    return this.ids.toString("hex", item * ID_BYTES, (item + 1) * ID_BYTES);
  }
}

const kept = (candidateId: string): Verdict => ({ candidateId, kept: true, reason: null, duplicateOf: null });
const double = (candidateId: string, reason: Reason, duplicateOf: string): Verdict => ({
  candidateId,
  kept: false,
  reason,
  duplicateOf,
});

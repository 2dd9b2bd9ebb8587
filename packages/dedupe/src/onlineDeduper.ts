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
  /** candidateIds of pictures with a hash to compare, by their numbers in `byPdq`, and of those without. */
  private readonly compared = new IdList();
  private readonly others = new IdList();

  constructor(private readonly settings: DedupeSettings) {}

  /** Kept pictures so far. */
  get size(): number {
    return this.compared.size + this.others.size;
  }

  get byteLength(): number {
    return (
      this.byBytes.byteLength + this.byPdq.byteLength + this.compared.byteLength + this.others.byteLength
    );
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
      const owner = (same & 1 ? this.others : this.compared).at(same >>> 1);
      if (owner === candidateId || !this.settings.bytes) return kept(candidateId);
      return double(candidateId, "duplicate_bytes", owner);
    }
    const comparable = this.settings.near && pdq !== null && (pdqQuality ?? 0) > this.settings.minQuality;
    const near = comparable ? this.byPdq.within(pdq, this.settings.radius) : [];
    if (near.length > 0) {
      // the first that was kept, not the nearest: so that judging again names the same
      const first = near.reduce((least, { id }) => Math.min(least, id), Infinity);
      return double(candidateId, "duplicate_near", this.compared.at(first));
    }
    // What the table holds: twice the number in one of the lists, and which of them.
    if (comparable) this.byBytes.add(sha256, this.compared.add(candidateId) * 2);
    else this.byBytes.add(sha256, this.others.add(candidateId) * 2 + 1);
    if (comparable) this.byPdq.add(pdq);
    return kept(candidateId);
  }
}

/** candidateIds by number, 16 bytes each. */
class IdList {
  private bytes = Buffer.alloc(1024 * ID_BYTES);
  private count = 0;

  get size(): number {
    return this.count;
  }

  get byteLength(): number {
    return this.bytes.byteLength;
  }

  add(candidateId: string): number {
    const number = this.count++;
    if (this.count * ID_BYTES > this.bytes.length)
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length)]);
    this.bytes.write(candidateId, number * ID_BYTES, "hex");
    return number;
  }

  at(number: number): string {
    return this.bytes.toString("hex", number * ID_BYTES, (number + 1) * ID_BYTES);
  }
}

const kept = (candidateId: string): Verdict => ({ candidateId, kept: true, reason: null, duplicateOf: null });
const double = (candidateId: string, reason: Reason, duplicateOf: string): Verdict => ({
  candidateId,
  kept: false,
  reason,
  duplicateOf,
});

import type { Reason, RejectedRow, SegmentRow } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import type { Picture } from "./picture.js";

export interface RejectionDetail {
  /** candidateId of the row that this one doubles. */
  of?: string;
  /** The row whose fetch speaks for this row's URL; itself where absent. */
  outcome?: SegmentRow;
  errorMessage?: string | null;
}

/** Collects every row that is not kept, each once. */
export class Rejections {
  private readonly rows = new Map<string, RejectedRow>();

  add(row: SegmentRow, reason: Reason, detail: RejectionDetail = {}): void {
    const { candidateId, imageUrl, pageUrl, query, source } = row;
    if (this.rows.has(candidateId)) throw new Error(`Candidate ${candidateId} was rejected twice`);
    const outcome = detail.outcome ?? row;
    this.rows.set(candidateId, {
      candidateId,
      imageUrl,
      caption: row.texts[0]?.text ?? "",
      pageUrl,
      query,
      source,
      reason,
      duplicateOf: detail.of ?? null,
      errorMessage:
        detail.errorMessage === undefined ? (detail.outcome ? null : row.errorMessage) : detail.errorMessage,
      httpStatus: outcome.httpStatus,
      sha256: outcome.sha256,
    });
  }

  /** Rejects a picture's representative for `reason`; its other rows are doubles of the representative by URL. */
  addPicture(picture: Picture, reason: Reason, detail: Omit<RejectionDetail, "outcome"> = {}): void {
    this.add(picture.representative, reason, { errorMessage: null, ...detail, outcome: picture.fetched });
    this.addDoubles(picture);
  }

  /** The rows of a picture's URL beside the representative. */
  addDoubles(picture: Picture): void {
    const { representative, fetched } = picture;
    for (const row of picture.rows) {
      if (row === representative) continue;
      this.add(row, "duplicate_url", { of: representative.candidateId, outcome: fetched });
    }
  }

  /** By candidateId; `duplicateOf` names the key where the doubled row is a sample. */
  list(keyOf: ReadonlyMap<string, string>): RejectedRow[] {
    const rows = [...this.rows.values()].sort((a, b) => byteOrder(a.candidateId, b.candidateId));
    for (const row of rows) {
      if (row.duplicateOf !== null) row.duplicateOf = keyOf.get(row.duplicateOf) ?? row.duplicateOf;
    }
    return rows;
  }
}

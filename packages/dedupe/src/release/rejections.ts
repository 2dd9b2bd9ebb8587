import type { Reason, RejectedRow } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import type { Sorted, Sorter, Spill } from "../sorting/spill.js";
import { matched } from "../sorting/streams.js";
import type { Picture, Spoken } from "./picture.js";

export interface RejectionDetail {
  /** The fetch that speaks for this row's URL. */
  outcome: Pick<RejectedRow, "httpStatus" | "sha256">;
  /** candidateId of the row that this one doubles. */
  of?: string;
  errorMessage?: string | null;
}

/** The key of a sample by the candidate that stands for it. */
export interface KeyOf {
  candidateId: string;
  key: string;
}

/** Collects every row that is not kept, each once. */
export class Rejections {
  readonly counts: Partial<Record<Reason, number>> = {};
  readonly #rows: Sorter<RejectedRow>;
  /** Those that double another row, which may turn out to be a sample. */
  readonly #doubles: Sorter<RejectedRow>;

  constructor(spill: Spill) {
    this.#rows = spill.sorter({ order: (a, b) => byteOrder(a.candidateId, b.candidateId) });
    this.#doubles = spill.sorter({ order: (a, b) => byteOrder(a.duplicateOf!, b.duplicateOf!) });
  }

  async add(row: Spoken, reason: Reason, { of, outcome, errorMessage }: RejectionDetail): Promise<void> {
    const { candidateId, imageUrl, pageUrl, query, source } = row;
    this.counts[reason] = (this.counts[reason] ?? 0) + 1;
    await (of === undefined ? this.#rows : this.#doubles).add({
      candidateId,
      imageUrl,
      caption: row.texts[0]?.text ?? "",
      pageUrl,
      query,
      source,
      reason,
      duplicateOf: of ?? null,
      errorMessage: errorMessage ?? null,
      httpStatus: outcome.httpStatus,
      sha256: outcome.sha256,
    });
  }

  /** Rejects a picture's first row for `reason`; its other rows are doubles of the first by URL. */
  async addPicture(
    picture: Picture,
    reason: Reason,
    detail: Omit<RejectionDetail, "outcome"> = {},
  ): Promise<void> {
    await this.add(picture.rows[0], reason, { ...detail, outcome: picture.fetched });
    await this.addDoubles(picture);
  }

  /** The rows of a picture's URL beside the first. */
  async addDoubles({ rows, fetched }: Pick<Picture, "rows" | "fetched">): Promise<void> {
    const [{ candidateId: of }, ...others] = rows;
    for (const row of others) await this.add(row, "duplicate_url", { of, outcome: fetched });
  }

  /**
   * By candidateId; `duplicateOf` names the key where the doubled row is a sample.
   * @param keys by candidateId
   */
  async sorted(keys: Sorted<KeyOf>): Promise<Sorted<RejectedRow>> {
    const doubles = await this.#doubles.sorted();
    const withKeys = matched(doubles, keys, (key, row) => byteOrder(key.candidateId, row.duplicateOf!));
    for await (const [row, key] of withKeys)
      await this.#rows.add(key === null ? row : { ...row, duplicateOf: key.key });
    await doubles.drop();
    return eachOnce(await this.#rows.sorted());
  }
}

/** @throws Error, while it is gone through, where a candidate comes twice */
function eachOnce(rows: Sorted<RejectedRow>): Sorted<RejectedRow> {
  return {
    count: rows.count,
    drop: () => rows.drop(),
    async *[Symbol.asyncIterator]() {
      let before: string | null = null;
      for await (const row of rows) {
        if (row.candidateId === before) throw new Error(`Candidate ${before} was rejected twice`);
        before = row.candidateId;
        yield row;
      }
    },
  };
}

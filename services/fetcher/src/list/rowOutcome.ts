import type { Reason } from "@pairloom/config";

/** What became of one row. */
export interface RowOutcome {
  /** Null: the picture was fetched. */
  reason: Reason | null;
  picture: Buffer | null;
  /** Pixels as stored. */
  width: number | null;
  height: number | null;
  /** Pixels as fetched, upright. */
  originalWidth: number | null;
  originalHeight: number | null;
  exif: string | null;
  /** Hash of the bytes as fetched. */
  hash: string | null;
  pdq: string | null;
  pdqQuality: number | null;
  /** Bytes as fetched. */
  bytes: number;
}

/** img2dataset's three ends of a row. */
export type RowStatus = "success" | "failed_to_download" | "failed_to_resize";

const pictureReasons: ReadonlySet<Reason> = new Set<Reason>([
  "not_an_image",
  "format_refused",
  "too_many_pixels",
  "decode_truncated",
  "decode_failed",
  "decode_crashed",
  "decode_timeout",
  "too_small",
  "aspect_ratio",
]);

export function statusOf(reason: Reason | null): RowStatus {
  if (reason === null) return "success";
  return pictureReasons.has(reason) ? "failed_to_resize" : "failed_to_download";
}

export function failedRow(reason: Reason, bytes = 0): RowOutcome {
  return {
    reason,
    picture: null,
    width: null,
    height: null,
    originalWidth: null,
    originalHeight: null,
    exif: null,
    hash: null,
    pdq: null,
    pdqQuality: null,
    bytes,
  };
}

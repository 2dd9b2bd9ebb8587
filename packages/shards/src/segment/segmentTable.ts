import type { SegmentRow } from "@pairloom/config";
import { column } from "../parquet/table.js";

/** A segment's row as it is stored: with the place of its picture in the tar. */
export interface StoredSegmentRow extends SegmentRow {
  /** Where the picture's bytes begin in the segment's tar, how many they are, and their CRC-32. */
  memberOffset: number | null;
  memberBytes: number | null;
  memberCrc32: number | null;
}

const col = column<StoredSegmentRow>;

/** The columns of `segments/<id>.parquet`. */
export const segmentColumns = [
  col("candidateId", "string", "candidate_id"),
  col("imageUrl", "string", "url"),
  col("canonicalUrl", "string", "canonical_url"),
  col("texts", "json"),
  col("pageUrl", "string?", "page_url"),
  col("query", "string?"),
  col("source", "string"),
  col("licence", "string?"),
  col("language", "string?"),
  col("member", "string?"),
  col("reason", "string?"),
  col("errorMessage", "string?", "error_message"),
  col("httpStatus", "int?", "http_status"),
  col("finalUrl", "string?", "final_url"),
  col("width", "int?"),
  col("height", "int?"),
  col("originalWidth", "int?", "original_width"),
  col("originalHeight", "int?", "original_height"),
  col("originalBytes", "long?", "original_bytes"),
  col("originalFormat", "string?", "original_format"),
  col("exif", "string?"),
  col("sha256", "string?"),
  col("pdq", "string?"),
  col("pdqQuality", "int?", "pdq_quality"),
  col("memberOffset", "long?", "member_offset"),
  col("memberBytes", "long?", "member_bytes"),
  col("memberCrc32", "long?", "member_crc32"),
];

/** The columns that lead to a picture. */
export const placeColumns = segmentColumns.filter(({ field }) =>
  ["member", "memberOffset", "memberBytes", "memberCrc32"].includes(field),
);

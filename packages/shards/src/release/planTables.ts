import type { RejectedRow, ReleaseSample } from "@pairloom/config";
import { column } from "../parquet/table.js";

const sample = column<ReleaseSample>;

/** A sample in a plan: all its fields, so that the job that writes a shard needs nothing else but the segments. */
export const sampleColumns = [
  sample("key", "string"),
  sample("segment", "string"),
  sample("member", "string"),
  sample("caption", "string"),
  sample("imageUrl", "string", "url"),
  sample("texts", "json"),
  sample("urls", "json"),
  sample("pages", "json"),
  sample("queries", "json"),
  sample("sources", "json"),
  sample("licence", "string?"),
  sample("language", "string?"),
  sample("width", "int"),
  sample("height", "int"),
  sample("originalWidth", "int", "original_width"),
  sample("originalHeight", "int", "original_height"),
  sample("exif", "string?"),
  sample("sha256", "string"),
  sample("pdq", "string?"),
];

const rejected = column<RejectedRow>;

/** The columns of `rejected/NNNNN.parquet`. */
export const rejectedColumns = [
  rejected("candidateId", "string", "candidate_id"),
  rejected("imageUrl", "string", "url"),
  rejected("caption", "string"),
  rejected("pageUrl", "string?", "page_url"),
  rejected("query", "string?"),
  rejected("source", "string"),
  rejected("reason", "string"),
  rejected("duplicateOf", "string?", "duplicate_of"),
  rejected("errorMessage", "string?", "error_message"),
  rejected("httpStatus", "int?", "http_status"),
  rejected("sha256", "string?"),
];

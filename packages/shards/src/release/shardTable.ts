import type { ReleaseSample } from "@pairloom/config";
import { type Column, column } from "../parquet/table.js";

/** A sample as the release's parquet and KEY.json tell it: img2dataset's fields first, ours after them. */
export interface ShardRow {
  url: string;
  caption: string;
  key: string;
  status: "success";
  error_message: null;
  width: number;
  height: number;
  original_width: number;
  original_height: number;
  exif: string | null;
  sha256: string;
  pdq: string | null;
  texts: ReleaseSample["texts"];
  urls: string[];
  pages: string[];
  queries: string[];
  sources: string[];
  licence: string | null;
  language: string | null;
}

/** The row of a sample; the order of its fields is the order of the columns and of KEY.json. */
export function shardRow(sample: ReleaseSample): ShardRow {
  return {
    url: sample.imageUrl,
    caption: sample.caption,
    key: sample.key,
    status: "success",
    error_message: null,
    width: sample.width,
    height: sample.height,
    original_width: sample.originalWidth,
    original_height: sample.originalHeight,
    exif: sample.exif,
    sha256: sample.sha256,
    pdq: sample.pdq,
    texts: sample.texts,
    urls: sample.urls,
    pages: sample.pages,
    queries: sample.queries,
    sources: sample.sources,
    licence: sample.licence,
    language: sample.language,
  };
}

const col = column<ShardRow>;

/** The fields of KEY.json as columns. */
export const shardColumns = [
  col("url", "string"),
  col("caption", "string"),
  col("key", "string"),
  col("status", "string"),
  col("error_message", "string?"),
  col("width", "int"),
  col("height", "int"),
  col("original_width", "int"),
  col("original_height", "int"),
  col("exif", "string?"),
  col("sha256", "string"),
  col("pdq", "string?"),
  col("texts", "json"),
  col("urls", "json"),
  col("pages", "json"),
  col("queries", "json"),
  col("sources", "json"),
  col("licence", "string?"),
  col("language", "string?"),
];

/** A row of a shard's parquet: KEY.json's fields, and what tells a damaged picture from a whole one. */
export interface TableRow extends ShardRow {
  /** Hex sha256 of the picture as stored (`sha256` is that of the fetched bytes). */
  stored_sha256: string;
}

/** The columns of a shard's parquet. */
export const tableColumns: Column<TableRow>[] = [
  ...shardColumns,
  column<TableRow>("stored_sha256", "string"),
];

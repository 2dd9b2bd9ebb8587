import { type ColumnType, type FileColumn, intColumn, jsonText, textColumn } from "@pairloom/tables";
import type { ListSettings } from "../listSettings.js";
import type { UrlRow } from "../read/urlRow.js";
import { type RowOutcome, statusOf } from "../rowOutcome.js";

/** A row's record, in the order of KEY.json; its values are those that its columns' types take. */
export type SampleRecord = Record<string, unknown>;

/** A key as img2dataset makes it: the shard's number, then the row's in as many digits as a shard's rows need. */
export function sampleKey(
  shard: number,
  row: number,
  { numberSamplePerShard, oomShardCount }: Pick<ListSettings, "numberSamplePerShard" | "oomShardCount">,
): string {
  const digits = Math.ceil(Math.log10(numberSamplePerShard));
  return String(10 ** digits * shard + row).padStart(digits + oomShardCount, "0");
}

/** What a row's record says; the names and their order are img2dataset's, PDQ's two after them where asked for. */
export function sampleRecord(
  settings: ListSettings,
  key: string,
  row: UrlRow,
  outcome: RowOutcome,
): SampleRecord {
  const { captionCol, computeHash, extractExif, image } = settings;
  const record: SampleRecord = {};
  settings.saveAdditionalColumns.forEach((name, at) => (record[name] = row.more[at] ?? null));
  if (captionCol !== null) record["caption"] = row.caption;
  record["url"] = row.url;
  record["key"] = key;
  record["status"] = statusOf(outcome.reason);
  record["error_message"] = outcome.reason;
  record["width"] = outcome.width;
  record["height"] = outcome.height;
  record["original_width"] = outcome.originalWidth;
  record["original_height"] = outcome.originalHeight;
  if (extractExif) record["exif"] = outcome.exif;
  if (computeHash !== null) record[computeHash] = outcome.hash;
  if (image.computePdq) {
    record["pdq"] = outcome.pdq;
    record["pdq_quality"] = outcome.pdqQuality;
  }
  return record;
}

/** The columns of a shard's parquet; a hash that was verified stands where the list had it. */
export function sampleColumns(settings: ListSettings, types: readonly ColumnType[]): FileColumn[] {
  const { captionCol, computeHash, verifyHash, extractExif, image } = settings;
  const texts = (names: string[]) => names.map((name): FileColumn => ({ name, type: textColumn }));
  const numbers = (names: string[]) => names.map((name): FileColumn => ({ name, type: intColumn }));
  return [
    ...settings.saveAdditionalColumns.map((name, at) => ({ name, type: types[at] ?? textColumn })),
    ...texts(captionCol === null ? [] : ["caption"]),
    ...texts(verifyHash === null ? [] : [verifyHash.hash]),
    ...texts(["url", "key", "status", "error_message"]),
    ...numbers(["width", "height", "original_width", "original_height"]),
    ...texts(extractExif ? ["exif"] : []),
    ...texts(computeHash === null || verifyHash !== null ? [] : [computeHash]),
    ...texts(image.computePdq ? ["pdq"] : []),
    ...numbers(image.computePdq ? ["pdq_quality"] : []),
  ];
}

/** KEY.json: a row's record as text. */
export function recordText(record: SampleRecord, columns: readonly FileColumn[]): string {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  const shown = Object.entries(record).map(([name, value]) => [
    name,
    (types.get(name) ?? textColumn).toJson(value),
  ]);
  return jsonText(Object.fromEntries(shown), 4);
}

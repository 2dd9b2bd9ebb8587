import type { ListSettings } from "../listSettings.js";
import { type CellKind, kindOfValues } from "../write/cellKind.js";
import { delimitedRows } from "./delimitedRows.js";
import { jsonRows } from "./jsonRows.js";
import { type ListFile, listFiles } from "./listFiles.js";
import { openParquetList } from "./parquetRows.js";
import { textLines, textPieces } from "./textPieces.js";
import { type UrlRow, urlRowOf, wantedColumns } from "./urlRow.js";

/** Rows of the list that belong into one shard. */
export interface ShardOfList {
  /** Its number. */
  shard: number;
  rows: UrlRow[];
  /** What the additional columns hold. */
  kinds: CellKind[];
}

/** How much of a list was read: bytes of its files. */
export interface ListPosition {
  bytes: number;
  totalBytes: number;
}

/**
 * Cuts a list into shards, as img2dataset does: `numberSamplePerShard` rows a shard, each file beginning with a new one,
 * numbered from `firstShard` on. Shards that `isDone` are passed over. Holds one shard's rows, never the list.
 * @param position is kept up to date
 * @throws UserError where the list can't be read
 */
export async function* readList(
  settings: ListSettings,
  options: {
    firstShard: number;
    isDone: (shard: number) => boolean;
    position: ListPosition;
    signal?: AbortSignal;
  },
): AsyncGenerator<ShardOfList> {
  const { position, isDone } = options;
  const files = await listFiles(settings, options.signal);
  position.totalBytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let shard = options.firstShard;
  let before = 0;
  for (const file of files) {
    const inFile = { from: shard, isDone, onBytes: (bytes: number) => (position.bytes = before + bytes) };
    for await (const one of file.format === "parquet"
      ? parquetShards(file, settings, inFile)
      : textShards(file, settings, inFile)) {
      shard = one.shard + 1;
      if (one.rows.length > 0) yield one;
    }
    before += file.bytes;
    position.bytes = before;
  }
}

interface InFile {
  from: number;
  isDone: (shard: number) => boolean;
  onBytes: (bytes: number) => void;
}

/** A shard without rows is one that was passed over. */
async function* textShards(
  file: ListFile,
  settings: ListSettings,
  { from, isDone, onBytes }: InFile,
): AsyncGenerator<ShardOfList> {
  let shard = from;
  let rows: UrlRow[] = [];
  let count = 0;
  const whole = (): ShardOfList => {
    const one = {
      shard,
      rows,
      kinds: settings.saveAdditionalColumns.map((_, at) => kindOfValues(column(rows, at))),
    };
    shard++;
    rows = [];
    count = 0;
    return one;
  };
  for await (const batch of textRows(file, settings, onBytes)) {
    for (const values of batch) {
      if (!isDone(shard)) rows.push(urlRowOf(values, settings));
      count++;
      if (count === settings.numberSamplePerShard) yield whole();
    }
  }
  if (count > 0) yield whole();
}

function* column(rows: UrlRow[], at: number): Generator<unknown> {
  for (const { more } of rows) yield more[at];
}

function textRows(
  file: ListFile,
  settings: ListSettings,
  onBytes: (bytes: number) => void,
): AsyncGenerator<unknown[][]> {
  const pieces = textPieces(file, onBytes);
  const wanted = wantedColumns(settings);
  switch (file.format) {
    case "csv":
      return delimitedRows(textLines(pieces, file.name), ",", wanted, file.name);
    case "tsv":
      return delimitedRows(textLines(pieces, file.name), "\t", wanted, file.name);
    case "json":
    case "jsonl":
      return jsonRows(pieces, wanted, file.name);
    default:
      return urlLines(textLines(pieces, file.name), wanted.length);
  }
}

/** A txt list has URLs alone: the other columns are empty. */
async function* urlLines(lines: AsyncIterable<string[]>, columns: number): AsyncGenerator<unknown[][]> {
  const empty = new Array<null>(columns - 1).fill(null);
  for await (const batch of lines) {
    const urls = batch.map((line) => line.trim()).filter((line) => line !== "");
    yield urls.map((url) => [url, ...empty]);
  }
}

async function* parquetShards(
  file: ListFile,
  settings: ListSettings,
  { from, isDone, onBytes }: InFile,
): AsyncGenerator<ShardOfList> {
  const wanted = wantedColumns(settings);
  const list = await openParquetList(file, wanted);
  const kinds = list.kinds.slice(wanted.length - settings.saveAdditionalColumns.length);
  const perShard = settings.numberSamplePerShard;
  let shard = from;
  const shards = Math.ceil(list.rows / perShard);
  const last = from + shards - 1;
  const passOver = function* (): Generator<ShardOfList> {
    for (; shard <= last && isDone(shard); shard++) yield { shard, rows: [], kinds };
  };
  while (shard <= last) {
    yield* passOver();
    if (shard > last) return;
    let rows: UrlRow[] = [];
    let at = (shard - from) * perShard;
    for await (const batch of list.read(at)) {
      for (const values of batch) {
        rows.push(urlRowOf(values, settings));
        at++;
        if (rows.length < perShard && at < list.rows) continue;
        onBytes(Math.round((at / list.rows) * file.bytes));
        yield { shard: shard++, rows, kinds };
        rows = [];
        if (shard <= last && isDone(shard)) break;
      }
      if (shard > last || isDone(shard)) break;
    }
  }
}

import { UserError } from "@pairloom/config";
import type { ColumnType, FoundTable, Table } from "@pairloom/tables";
import type { ListSettings } from "../listSettings.js";
import type { ListPosition, UrlList } from "./openList.js";
import { type UrlRow, urlRowOf } from "./urlRow.js";

/** Rows of the list that belong into one shard. */
export interface ShardOfList {
  /** Its number. */
  shard: number;
  rows: UrlRow[];
  /** What the additional columns hold. */
  types: ColumnType[];
}

/**
 * Cuts a list into shards, as img2dataset does: `numberSamplePerShard` rows a shard, each file beginning with a new one,
 * numbered from `firstShard` on. Shards that `isDone` are passed over. Holds one shard's rows, never the list.
 * @param position is kept up to date
 * @throws UserError where the list can't be read
 */
export async function* readList(
  list: UrlList,
  settings: ListSettings,
  options: { firstShard: number; isDone: (shard: number) => boolean; position: ListPosition },
): AsyncGenerator<ShardOfList> {
  const { position, isDone } = options;
  position.totalBytes = list.files.reduce((sum, { file }) => sum + file.bytes, 0);
  let shard = options.firstShard;
  let before = 0;
  for (const found of list.files) {
    const inFile = { from: shard, isDone, onBytes: (bytes: number) => (position.bytes = before + bytes) };
    for await (const one of shardsOfFile(list, found, settings, inFile)) {
      shard = one.shard + 1;
      if (one.rows.length > 0) yield one;
    }
    before += found.file.bytes;
    position.bytes = before;
  }
}

interface InFile {
  from: number;
  isDone: (shard: number) => boolean;
  onBytes: (bytes: number) => void;
}

/** A shard without rows is one that was passed over. */
async function* shardsOfFile(
  list: UrlList,
  found: FoundTable,
  settings: ListSettings,
  inFile: InFile,
): AsyncGenerator<ShardOfList> {
  const { table, types } = await list.open(found);
  const more = types.slice(types.length - settings.saveAdditionalColumns.length);
  const toRow = (row: Parameters<typeof urlRowOf>[0]) => urlRowOf(row, types, settings);
  const shards =
    table.rows === null
      ? shardsInOrder(table, settings.numberSamplePerShard, inFile, toRow)
      : shardsByNumber(table, table.rows, settings.numberSamplePerShard, inFile, toRow);
  for await (const shard of shards) yield { ...shard, types: more };
}

type ToRow = (row: Parameters<typeof urlRowOf>[0]) => UrlRow;
type Shard = Omit<ShardOfList, "types">;

/** Of a table whose rows are counted as they are read. */
async function* shardsInOrder(
  table: Table,
  perShard: number,
  { from, isDone, onBytes }: InFile,
  toRow: ToRow,
): AsyncGenerator<Shard> {
  let shard = from;
  let rows: UrlRow[] = [];
  let count = 0;
  for await (const batch of table.read(0, onBytes)) {
    for (const row of batch) {
      if (!isDone(shard)) rows.push(toRow(row));
      if (++count < perShard) continue;
      yield { shard: shard++, rows };
      rows = [];
      count = 0;
    }
  }
  if (count > 0) yield { shard, rows };
}

/** Of a table that can be read from any row on. */
async function* shardsByNumber(
  table: Table,
  rowCount: number,
  perShard: number,
  { from, isDone, onBytes }: InFile,
  toRow: ToRow,
): AsyncGenerator<Shard> {
  const end = from + Math.ceil(rowCount / perShard);
  let shard = from;
  while (shard < end) {
    if (isDone(shard)) {
      yield { shard: shard++, rows: [] };
      continue;
    }
    let rows: UrlRow[] = [];
    let at = (shard - from) * perShard;
    for await (const batch of table.read(at, onBytes)) {
      for (const row of batch) {
        rows.push(toRow(row));
        at++;
        if (rows.length < perShard && at < rowCount) continue;
        yield { shard: shard++, rows };
        rows = [];
        if (shard < end && isDone(shard)) break;
      }
      if (shard >= end || isDone(shard)) break;
    }
    if (at < rowCount && !(shard < end && isDone(shard)))
      throw new UserError(
        "parquet_unreadable",
        `A parquet file of the list has fewer rows than its footer says`,
        {
          hint: "Write it again.",
        },
      );
  }
}

import { UserError } from "@pairloom/config";
import { nearPairs, parsePdq } from "@pairloom/dedupe";
import { column } from "@pairloom/shards";
import { localTable, openParquetTable, type TableFile } from "@pairloom/tables";

/** Two rows whose pictures lie within the radius: those that come first, first. */
export interface NearPair {
  a: string;
  b: string;
  distance: number;
}

export const pairColumns = [
  column<NearPair>("a", "string"),
  column<NearPair>("b", "string"),
  column<NearPair>("distance", "int"),
];

export interface FoundDoubles {
  rows: number;
  /** Rows with a hash that is not too flat. */
  compared: number;
  pairs: NearPair[];
}

/** As many as a row group of ours has. */
const batchRows = 100_000;
const idNames = ["candidate_id", "key", "url"];
const hash = /^[0-9a-f]{64}$/i;

/**
 * Every pair of rows of parquet files whose PDQ hashes (`pdq`, with `pdq_quality` where there is one) lie within the radius:
 * for sets that a release's decision can't hold. 40 bytes a row: its hash, its number, its place in one table.
 * @param id the column that names a row; by default the first there is of candidate_id, key and url
 * @throws UserError where a file is no parquet or has no such columns
 */
export async function findDoubles(
  paths: readonly string[],
  { radius, minQuality, id }: { radius: number; minQuality: number; id?: string | undefined },
): Promise<FoundDoubles> {
  const files: HashedFile[] = [];
  for (const path of paths) {
    const file = await localTable(path);
    const { names, rows } = await openParquetTable(file, []);
    const name = id ?? idNames.find((one) => names.includes(one));
    const missing = [name ?? idNames.join(" or "), "pdq"].find((one) => !names.includes(one));
    if (name === undefined || missing !== undefined)
      throw new UserError("parquet_column_missing", `${path} has no column ${missing ?? ""}`, {
        hint: `It has ${names.join(", ")}. Name the one that tells rows apart with --id.`,
      });
    files.push({ file, rows, id: name, hasQuality: names.includes("pdq_quality") });
  }
  const rows = files.reduce((sum, { rows: own }) => sum + own, 0);
  const { hashes, numbers } = await readHashes(files, rows, minQuality);

  const found: [number, number, number][] = [];
  nearPairs(hashes, radius, (a, b, distance) => found.push([numbers[a]!, numbers[b]!, distance]));
  found.sort(([a, b], [c, d]) => a - c || b - d);
  const ids = await readIds(files, new Set(found.flatMap(([a, b]) => [a, b])));
  const pairs = found.map(([a, b, distance]) => ({ a: ids.get(a)!, b: ids.get(b)!, distance }));
  return { rows, compared: numbers.length, pairs };
}

interface HashedFile {
  file: TableFile;
  rows: number;
  /** The column that names a row. */
  id: string;
  hasQuality: boolean;
}

/** Hashes [N × 8], and the number of each one's row over all files. */
async function readHashes(files: readonly HashedFile[], rows: number, minQuality: number) {
  const hashes = new Uint32Array(rows * 8);
  const numbers = new Uint32Array(rows);
  let [row, items] = [0, 0];
  for (const { file, hasQuality } of files) {
    const table = await openParquetTable(file, ["pdq", ...(hasQuality ? ["pdq_quality"] : [])], {
      batchRows,
    });
    for await (const batch of table.read()) {
      for (const [pdq, quality] of batch) {
        const number = row++;
        if (typeof pdq !== "string" || !hash.test(pdq)) continue;
        if (hasQuality && !(Number(quality) > minQuality)) continue;
        parsePdq(pdq, hashes, items * 8);
        numbers[items++] = number;
      }
    }
  }
  return { hashes: hashes.subarray(0, items * 8), numbers: numbers.subarray(0, items) };
}

async function readIds(
  files: readonly HashedFile[],
  wanted: ReadonlySet<number>,
): Promise<Map<number, string>> {
  const ids = new Map<number, string>();
  if (wanted.size === 0) return ids;
  let row = 0;
  for (const { file, id } of files) {
    const { read, types } = await openParquetTable(file, [id], { batchRows });
    for await (const batch of read())
      for (const [name] of batch) {
        if (wanted.has(row)) ids.set(row, String(types[0]!.toJson(name)));
        row++;
      }
  }
  return ids;
}

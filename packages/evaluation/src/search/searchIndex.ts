import { availableParallelism } from "node:os";
import { tensorDtypes } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { openApproximate } from "./approximateIndex.js";
import { codedPart } from "./codedParts.js";
import { type IndexedSample, type IndexPart, listParts, readSamples } from "./indexPart.js";
import { readIndexRecord, type SearchKind } from "./indexRecord.js";
import type { Scored } from "./nearest.js";
import type { RowSlice } from "./rowSlice.js";
import { ScanThreads } from "./scanThreads.js";

export interface Hit extends IndexedSample {
  /** Inner product of the query with the stored feature: their cosine, as near as half precision stores it. */
  score: number;
}

/** An opened index. Whoever opens it closes it. One search at a time. */
export interface SearchIndex {
  readonly rows: number;
  /** E. */
  readonly width: number;
  /** The rows nearest to a normalised feature, best first; of equal ones the first in the release. */
  search(query: Float32Array, count: number): Promise<Hit[]>;
  close(): Promise<void>;
}

export interface SearchIndexOptions {
  kind?: SearchKind;
  /**
   * What is held in memory. float16: the stored numbers. int8: half as much; rows that may be among the best are read
   * from disk in float16, so the answers are the same.
   */
  store?: "float16" | "int8";
  /** Looks through a graph instead of all rows: faster from some millions of rows on, and misses some. */
  approximate?: boolean;
  threads?: number;
  log?: (line: string) => void;
}

/** Rows below which a further thread isn't worth its start. */
const rowsPerThread = 20_000;

/**
 * Opens what `embedRelease` has made.
 * @throws UserError "index_missing", "index_damaged", "index_too_large" for the memory, "approximate_unavailable"
 */
export async function openSearchIndex(
  folder: string,
  options: SearchIndexOptions = {},
): Promise<SearchIndex> {
  const { kind = "images", store = "float16", approximate = false, log = () => {} } = options;
  const { width } = await readIndexRecord(folder);
  const parts = await listParts(folder, kind);
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const values = halfPrecisionValues();
  const scan =
    approximate && rows > 0
      ? await openApproximate(folder, kind, parts, width, values, log)
      : await openExact(folder, parts, { rows, width, values, store, threads: options.threads });
  return {
    rows,
    width,
    search: async (query, count) =>
      rows === 0 ? [] : hitsOf(parts, await scan.search(query, Math.min(count, rows))),
    close: () => scan.close(),
  };
}

async function openExact(
  folder: string,
  parts: readonly IndexPart[],
  facts: {
    rows: number;
    width: number;
    values: Float32Array;
    store: "float16" | "int8";
    threads: number | undefined;
  },
): Promise<ScanThreads> {
  const { rows, width, store } = facts;
  checkMemory(rows * (store === "int8" ? width + 16 : 2 * width), store);
  const whole: RowSlice[] = [];
  let first = 0;
  for (const part of parts) {
    const features = { path: part.path, start: part.featuresAt };
    whole.push({
      first,
      rows: part.rows,
      features,
      coded: store === "int8" ? await codedPart(folder, part) : null,
    });
    first += part.rows;
  }
  const threads = Math.max(
    1,
    Math.min(facts.threads ?? availableParallelism(), Math.ceil(rows / rowsPerThread)),
  );
  const shares = Array.from({ length: threads }, (_, i) =>
    cut(whole, width, Math.floor((i * rows) / threads), Math.floor(((i + 1) * rows) / threads)),
  );
  return ScanThreads.open(shares.map((slices) => ({ store, width, values: facts.values, slices })));
}

/** The slices' rows from `from` to `to`. */
function cut(slices: readonly RowSlice[], width: number, from: number, to: number): RowSlice[] {
  return slices.flatMap(({ first, rows, features, coded }) => {
    const begin = Math.max(first, from);
    const end = Math.min(first + rows, to);
    if (end <= begin) return [];
    const skipped = begin - first;
    const after = (range: { path: string; start: number }, bytesPerRow: number) => ({
      path: range.path,
      start: range.start + skipped * bytesPerRow,
    });
    return {
      first: begin,
      rows: end - begin,
      features: after(features, 2 * width),
      coded: coded && {
        codes: after(coded.codes, width),
        scales: after(coded.scales, 4),
        residuals: after(coded.residuals, 4),
      },
    };
  });
}

function checkMemory(bytes: number, store: string): void {
  const free = process.availableMemory();
  if (bytes <= free) return;
  const gigabytes = (n: number) => `${(n / 1e9).toFixed(1)} GB`;
  throw new UserError(
    "index_too_large",
    `The index takes ${gigabytes(bytes)} of memory in ${store}, ${gigabytes(free)} are free`,
    {
      hint:
        store === "float16"
          ? "--store int8 takes half, --approximate next to none."
          : "--approximate takes next to none.",
    },
  );
}

async function hitsOf(parts: readonly IndexPart[], found: readonly Scored[]): Promise<Hit[]> {
  const hits = new Map<number, Hit>();
  let first = 0;
  for (const part of parts) {
    const own = found.filter(({ row }) => row >= first && row < first + part.rows);
    const samples =
      own.length === 0
        ? []
        : await readSamples(
            part,
            own.map(({ row }) => row - first),
          );
    own.forEach(({ row, score }, i) => hits.set(row, { ...samples[i]!, score }));
    first += part.rows;
  }
  return found.map(({ row }) => hits.get(row)!);
}

/** In shared memory: every thread looks them up. */
function halfPrecisionValues(): Float32Array {
  const all = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const values = new Float32Array(new SharedArrayBuffer(65536 * 4));
  values.set(tensorDtypes.F16.decode(all.buffer));
  return values;
}

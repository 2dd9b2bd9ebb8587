import { createHash } from "node:crypto";
import { readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensorsFile } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import type * as usearchModule from "usearch";
import { halfProduct } from "./float16Scanner.js";
import { type IndexPart } from "./indexPart.js";
import type { SearchKind } from "./indexRecord.js";
import { Nearest, type Scored } from "./nearest.js";
import { readRange } from "./rowSlice.js";

/** Rows that the graph gives for each that is asked for; the best by their half-precision features are kept. */
const oversampling = 4;
/** Of HNSW: neighbours of a row, and how widely the graph is searched when a row is added. */
const graph = { connectivity: 16, expansion_add: 128 };
/** How widely it is searched when it is asked: a few milliseconds, well spent on sentences, which lie far from pictures. */
const expansionSearch = 2048;

/**
 * A graph (HNSW, by usearch) over the rows of an index, kept as a file and mapped into memory, not read. It is made where
 * it is missing or of other parts. The best of its answers are chosen by their half-precision features.
 *
 * @throws UserError "approximate_unavailable" where usearch has no binary for this machine
 */
export async function openApproximate(
  folder: string,
  kind: SearchKind,
  parts: readonly IndexPart[],
  width: number,
  values: Float32Array,
  log: (line: string) => void,
): Promise<{ search(query: Float32Array, count: number): Promise<Scored[]>; close(): Promise<void> }> {
  const usearch = await loadUsearch();
  const name = `${kind}-${keyOf(parts)}.usearch`;
  const open = () =>
    new usearch.Index({
      ...graph,
      expansion_search: expansionSearch,
      dimensions: width,
      metric: "ip",
      quantization: "f16",
      multi: false,
    } as never);
  const present = await readdir(folder);
  if (!present.includes(name)) {
    const index = open();
    let first = 0;
    for (const part of parts) {
      const features = (await readSafetensorsFile(part.path, new Set(["features"]))).get("features")!;
      const keys = BigUint64Array.from({ length: part.rows }, (_, row) => BigInt(first + row));
      if (part.rows > 0) index.add(keys, features.data as Float32Array, 0);
      first += part.rows;
      log(`graph over ${first} rows`);
    }
    const beside = join(folder, `${name}.${process.pid}.part`);
    index.save(beside);
    await rename(beside, join(folder, name));
    for (const old of present)
      if (old.startsWith(`${kind}-`) && old.endsWith(".usearch"))
        await rm(join(folder, old), { force: true });
  }
  const index = open();
  index.view(join(folder, name));
  return {
    search: async (query, count) => {
      const { keys } = index.search(query, Math.max(64, count * oversampling), 1);
      return rescored(parts, width, values, query, Array.from(keys, Number), count);
    },
    close: async () => undefined,
  };
}

function rescored(
  parts: readonly IndexPart[],
  width: number,
  values: Float32Array,
  query: Float32Array,
  rows: readonly number[],
  count: number,
): Scored[] {
  const nearest = new Nearest(count);
  for (const row of rows) {
    let first = 0;
    const part = parts.find((one) => row < first + one.rows || ((first += one.rows), false));
    if (part === undefined) continue;
    const start = part.featuresAt + (row - first) * width * 2;
    const halves = new Uint16Array(readRange({ path: part.path, start }, width * 2));
    nearest.offer(row, halfProduct(query, halves, 0, values));
  }
  return nearest.best();
}

/** Stands for the rows: a graph of others is none of ours. */
function keyOf(parts: readonly IndexPart[]): string {
  const facts = parts.map(({ name, sha256, start, next, rows }) => [name, sha256, start, next, rows]);
  return createHash("sha256")
    .update(JSON.stringify([graph, facts]))
    .digest("hex")
    .slice(0, 16);
}

async function loadUsearch(): Promise<typeof usearchModule> {
  try {
    return await import("usearch");
  } catch (cause) {
    throw new UserError(
      "approximate_unavailable",
      "usearch, which searches approximately, can't be loaded here",
      {
        hint: "It has binaries for Linux (glibc) and macOS; without --approximate the search is exact.",
        cause,
      },
    );
  }
}

import { mkdtemp, readdir, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { featureRow, type FeatureTable, normalizeRows } from "../src/featureTable.js";
import { codeQuery, codeRows } from "../src/search/int8Codes.js";
import { Nearest } from "../src/search/nearest.js";
import { openSearchIndex, type SearchIndexOptions } from "../src/search/searchIndex.js";
import { bruteForce, clusteredRows, halved, writeIndex } from "./syntheticIndex.js";

const width = 40;
let folder: string;
let table: FeatureTable;
let queries: FeatureTable;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scan-"));
  table = clusteredRows(3000, width);
  // twice the same picture: equal scores
  table.data.copyWithin(1500 * width, 7 * width, 8 * width);
  queries = clusteredRows(10, width, 2);
  await writeIndex(join(folder, "index"), table, 700);
});
afterAll(() => rm(folder, { recursive: true }));

async function answers(options: SearchIndexOptions, count = 10, place = "index") {
  const index = await openSearchIndex(join(folder, place), options);
  try {
    const all: { row: number; score: number }[][] = [];
    for (let i = 0; i < queries.rows; i++)
      all.push(
        (await index.search(featureRow(queries, i), count)).map(({ key, score }) => ({
          row: Number(key),
          score,
        })),
      );
    return all;
  } finally {
    await index.close();
  }
}

test("the answers are those of looking at every stored row", async () => {
  for (const [i, found] of (await answers({ threads: 1 })).entries()) {
    const expected = bruteForce(featureRow(queries, i), table, 10);
    expect(found.map(({ row }) => row)).toEqual(expected.map(({ row }) => row));
    found.forEach(({ score }, place) => expect(score).toBeCloseTo(expected[place]!.score, 12));
  }
});

test("int8 gives float16's answers to the last bit, and threads change nothing", async () => {
  const plain = await answers({ threads: 1 });
  expect(await answers({ store: "int8", threads: 1 })).toEqual(plain);
  expect(await answers({ store: "int8", threads: 3 })).toEqual(plain);
  expect(await answers({ threads: 3 })).toEqual(plain);
});

test("of equal rows the first comes first", async () => {
  const index = await openSearchIndex(join(folder, "index"), { store: "int8" });
  const [first, second] = await index.search(featureRow(table, 1500), 2);
  expect([first!.key, second!.key]).toEqual(["7", "1500"]);
  expect(first!.score).toBe(second!.score);
  await index.close();
});

test("a collapsed model, whose features are all alike, is searched exactly as well", async () => {
  const alike = normalizeRows({
    rows: 300,
    width,
    data: Float32Array.from({ length: 300 * width }, (_, i) => 1 + 1e-3 * Math.sin(i)),
  });
  await writeIndex(join(folder, "alike"), alike, 100);
  expect(await answers({ store: "int8" }, 10, "alike")).toEqual(await answers({}, 10, "alike"));
});

test("more than there are gives all, and an index without a row gives none", async () => {
  await writeIndex(join(folder, "few"), clusteredRows(30, width), 20);
  expect((await answers({}, 50, "few"))[0]).toHaveLength(30);
  await writeIndex(join(folder, "empty"), { rows: 0, width, data: new Float32Array() }, 10);
  expect((await answers({}, 10, "empty"))[0]).toEqual([]);
});

test("a row's code is never further from it than its residual says, and takes a quarter of float32", () => {
  const rows = halved(clusteredRows(200, width, 3).data);
  const { codes, scales, residuals } = codeRows(rows, width);
  for (let row = 0; row < 200; row++) {
    let square = 0;
    for (let i = 0; i < width; i++)
      square += (rows[row * width + i]! - scales[row]! * codes[row * width + i]!) ** 2;
    expect(Math.sqrt(square)).toBeLessThanOrEqual(residuals[row]!);
    expect(residuals[row]!).toBeLessThan(0.01);
  }
  expect(codes.byteLength * 4).toBe(rows.byteLength);
});

test("a query's products can't leave 32 bits, however wide the model", () => {
  const { codes, step, residual } = codeQuery(new Float32Array(20_000).fill(0.5));
  expect(codes.reduce((sum, code) => sum + Math.abs(code) * 127, 0)).toBeLessThan(2 ** 31);
  expect(Math.abs(step * codes[0]! - 0.5)).toBeLessThan(residual + 1e-3);
});

test("the nearest are the best of what was offered, in whatever order it came", () => {
  const scores = [0.5, 0.9, 0.1, 0.9, 0.7, 0.3, 0.8, 0.9];
  const nearest = new Nearest(4);
  for (const row of [3, 0, 7, 2, 5, 6, 4, 1]) nearest.offer(row, scores[row]!);
  expect(nearest.best().map(({ row }) => row)).toEqual([1, 3, 7, 6]);
});

test("parts that are cut off are named, not searched", async () => {
  const place = join(folder, "cut");
  await writeIndex(place, clusteredRows(50, width), 25);
  const [part] = (await readdir(place)).filter((name) => name.startsWith("images-"));
  await truncate(join(place, part!), (await stat(join(place, part!))).size - 10);
  await expect(openSearchIndex(place)).rejects.toMatchObject({ code: "index_damaged" });
  await expect(openSearchIndex(place)).rejects.toThrow(part!);
  await expect(openSearchIndex(join(folder, "nowhere"))).rejects.toMatchObject({ code: "index_missing" });
});

test("8-bit codes of other features are made anew", async () => {
  const place = join(folder, "anew");
  await writeIndex(place, clusteredRows(50, width), 25);
  await answers({ store: "int8" }, 1, "anew");
  await writeIndex(place, clusteredRows(60, width, 9), 30);
  expect(await answers({ store: "int8" }, 5, "anew")).toEqual(await answers({}, 5, "anew"));
});

test("an approximate search finds nearly what the exact one finds, and says so by its recall", async () => {
  const exact = await answers({});
  const near = await answers({ approximate: true });
  const hits = near.flatMap((found, i) =>
    found.filter(({ row }) => exact[i]!.some((one) => one.row === row)),
  );
  expect(hits.length / (10 * queries.rows)).toBeGreaterThan(0.95);
  // scores are of the stored numbers, whichever way a row was found
  for (const [i, found] of near.entries())
    for (const { row, score } of found) {
      const same = exact[i]!.find((one) => one.row === row);
      if (same !== undefined) expect(score).toBe(same.score);
    }
});

test("a graph is kept, and made anew when the rows change", async () => {
  const place = join(folder, "graph");
  const graphs = async () => (await readdir(place)).filter((name) => name.endsWith(".usearch"));
  await writeIndex(place, clusteredRows(50, width), 25);
  await answers({ approximate: true }, 3, "graph");
  const [first] = await graphs();
  const made = await stat(join(place, first!));
  await answers({ approximate: true }, 3, "graph");
  expect((await stat(join(place, first!))).mtimeMs).toBe(made.mtimeMs);
  await writeIndex(place, clusteredRows(60, width, 9), 30);
  expect(await answers({ approximate: true }, 3, "graph")).toEqual(await answers({}, 3, "graph"));
  expect(await graphs()).toHaveLength(1);
  expect((await graphs())[0]).not.toBe(first);
});

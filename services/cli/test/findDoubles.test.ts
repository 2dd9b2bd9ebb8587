import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { column, encodeTable } from "@pairloom/shards";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findDoubles } from "../src/project/findDoubles.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "doubles-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Row {
  name: string;
  pdq: string | null;
  quality: number;
}

const pdqOf = (name: string, turned = 0): string => {
  const bytes = createHash("sha256").update(name).digest();
  for (let i = 0; i < turned; i++) bytes[i]! ^= 1;
  return bytes.toString("hex");
};

async function table(file: string, id: string, rows: Row[]): Promise<string> {
  const path = join(folder, file);
  const columns = [
    column<Row>("name", "string", id),
    column<Row>("pdq", "string?"),
    column<Row>("quality", "int", "pdq_quality"),
  ];
  await writeFile(path, encodeTable(columns, rows));
  return path;
}

test("pairs are found across files and named by their rows; rows without a hash to compare are passed over", async () => {
  const one = await table("one.parquet", "candidate_id", [
    { name: "nothing", pdq: null, quality: 0 },
    { name: "cat", pdq: pdqOf("cat"), quality: 100 },
    { name: "dog", pdq: pdqOf("dog"), quality: 100 },
    { name: "flat", pdq: pdqOf("cat"), quality: 49 },
  ]);
  const two = await table("two.parquet", "key", [
    { name: "far cat", pdq: pdqOf("cat", 32), quality: 100 },
    { name: "near cat", pdq: pdqOf("cat", 31), quality: 50 },
    { name: "same dog", pdq: pdqOf("dog"), quality: 100 },
  ]);
  const found = await findDoubles([one, two], { radius: 31, minQuality: 49 });
  expect(found).toEqual({
    rows: 7,
    compared: 5,
    pairs: [
      { a: "cat", b: "near cat", distance: 31 },
      { a: "dog", b: "same dog", distance: 0 },
      { a: "far cat", b: "near cat", distance: 1 },
    ],
  });
});

test("a file without the columns, or that is no parquet, is named", async () => {
  const rows = [{ name: "x", pdq: pdqOf("x"), quality: 100 }];
  const path = await table("three.parquet", "row", rows);
  await expect(findDoubles([path], { radius: 31, minQuality: 49 })).rejects.toMatchObject({
    code: "parquet_column_missing",
  });
  expect((await findDoubles([path], { radius: 31, minQuality: 49, id: "row" })).compared).toBe(1);
  const broken = join(folder, "broken.parquet");
  await writeFile(broken, "not parquet at all");
  await expect(findDoubles([broken], { radius: 31, minQuality: 49 })).rejects.toMatchObject({
    code: "parquet_unreadable",
  });
});

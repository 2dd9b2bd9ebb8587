import { dedupeSettings } from "@pairloom/config";
import { describe, expect, test } from "vitest";
import { OnlineDeduper } from "../src/onlineDeduper.js";
import { Sha256Table } from "../src/sha256Table.js";
import { pdqOf, row, sha } from "./rows.js";

const settings = dedupeSettings.parse({});
const one = row({ url: "http://a.example/1.jpg", content: "cat" }).row;
const same = row({ url: "http://b.example/1.jpg", content: "cat" }).row;
const near = row({ url: "http://c.example/1.jpg", pdq: pdqOf("cat", 31) }).row;
const far = row({ url: "http://d.example/1.jpg", pdq: pdqOf("cat", 32) }).row;
const flat = row({ url: "http://e.example/1.jpg", pdq: pdqOf("cat"), quality: 10 }).row;
const failed = row({ url: "http://f.example/1.jpg", reason: "http_404" }).row;

describe("OnlineDeduper", () => {
  test("gives each fetched row a verdict, by bytes or nearness to what was kept before", () => {
    const deduper = new OnlineDeduper(settings);
    expect(deduper.judge([one, failed])).toEqual([
      { candidateId: one.candidateId, kept: true, reason: null, duplicateOf: null },
    ]);
    expect(
      deduper
        .judge([same, near, far, flat])
        .map(({ kept, reason, duplicateOf }) => [kept, reason, duplicateOf]),
    ).toEqual([
      [false, "duplicate_bytes", one.candidateId],
      [false, "duplicate_near", one.candidateId],
      [true, null, null],
      [true, null, null],
    ]);
    expect(deduper.size).toBe(3);
  });

  test("judging a segment again changes nothing", () => {
    const deduper = new OnlineDeduper(settings);
    const rows = [one, same, near, far, flat];
    const first = deduper.judge(rows);
    const bytes = deduper.size;
    expect(deduper.judge(rows)).toEqual(first);
    expect(deduper.size).toBe(bytes);
  });

  test("layers that are switched off find nothing", () => {
    const deduper = new OnlineDeduper({ ...settings, bytes: false, near: false });
    expect(deduper.judge([one, same, near]).every(({ kept }) => kept)).toBe(true);
  });
});

describe("Sha256Table", () => {
  test("finds each of 100,000 hashes and none beside them, the first value kept", () => {
    const table = new Sha256Table();
    const hashes = Array.from({ length: 100_000 }, (_, i) => sha(String(i)));
    for (const [i, hash] of hashes.entries()) table.add(hash, i);
    for (const [i, hash] of hashes.entries()) table.add(hash, i + 1);
    expect(table.size).toBe(100_000);
    expect(hashes.every((hash, i) => table.get(hash) === i)).toBe(true);
    expect(table.get(sha("other"))).toBeUndefined();
    expect(table.byteLength / table.size).toBeLessThan(40);
  });
});

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Candidate, SegmentRow } from "@pairloom/config";
import { openStore, type Store } from "@pairloom/storage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  checkSegment,
  checkTar,
  CorruptSegmentError,
  listSegments,
  readCandidates,
  readSegmentPictures,
  readSegmentRows,
  readVerdicts,
  segmentOfTar,
  writeCandidates,
  writeSegment,
  writeVerdicts,
} from "../src/index.js";

let root: string;
let store: Store;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-shards-"));
  store = await openStore(root);
});
afterEach(() => rm(root, { recursive: true }));

function row(i: number, fetched: boolean): SegmentRow {
  return {
    candidateId: i.toString(16).padStart(32, "0"),
    imageUrl: `http://h${i % 7}/${i}.jpg?é`,
    canonicalUrl: `http://h${i % 7}/${i}.jpg?%C3%A9`,
    texts: [{ kind: "alt", text: `a "picture" ${i} – 𝄞\n\u0000` }],
    pageUrl: i % 2 ? `http://h/p${i}` : null,
    query: i % 3 ? `q${i}` : null,
    source: "list",
    licence: null,
    language: i % 5 ? "en" : null,
    member: fetched ? `${i.toString(16).padStart(32, "0")}.jpg` : null,
    reason: fetched ? null : "http_404",
    errorMessage: fetched ? null : "404 Not Found",
    httpStatus: fetched ? 200 : 404,
    finalUrl: null,
    width: fetched ? 256 : null,
    height: fetched ? 200 : null,
    originalWidth: fetched ? 1000 : null,
    originalHeight: fetched ? 781 : null,
    originalBytes: fetched ? 5_000_000_000 + i : null,
    originalFormat: fetched ? "jpeg" : null,
    exif: fetched ? `{"Image Make": "x"}` : null,
    sha256: fetched ? "ab".repeat(32) : null,
    pdq: fetched ? "cd".repeat(32) : null,
    pdqQuality: fetched ? 100 : null,
  };
}

function segment(count: number, bytes = 3000, salt = 0) {
  const rows = Array.from({ length: count }, (_, i) => row(i, i % 3 !== 1));
  const pictures = new Map<string, Buffer>();
  for (const [i, { member }] of rows.entries()) {
    if (member !== null) pictures.set(member, Buffer.alloc(bytes + i, (i * 7 + salt) % 251));
  }
  return { rows, pictures };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const tarOf = async (id: string) =>
  (await collect(store.list(`segments/${id}.`)))
    .map(({ name }) => name)
    .filter((name) => name.endsWith(".tar"));

describe("a segment", () => {
  it("gives back its rows and exactly the pictures that are wanted", async () => {
    const { rows, pictures } = segment(60);
    expect(await writeSegment(store, "s1", rows, pictures)).toBe("published");
    expect(await readSegmentRows(store, "s1")).toEqual(rows);
    const wanted = new Set([...pictures.keys()].filter((_, i) => i % 4 === 0));
    const got = await collect(readSegmentPictures(store, "s1", wanted));
    expect(got.map(({ member }) => member).sort()).toEqual([...wanted].sort());
    for (const { member, bytes } of got)
      expect(bytes.equals(pictures.get(member) as Buffer), member).toBe(true);
    expect(await collect(readSegmentPictures(store, "s1", new Set()))).toEqual([]);
  });

  it("may have no picture at all, and no row at all", async () => {
    expect(await writeSegment(store, "none", [row(1, false)], new Map())).toBe("published");
    expect(await readSegmentRows(store, "none")).toEqual([row(1, false)]);
    expect(await writeSegment(store, "empty", [], new Map())).toBe("published");
    expect(await readSegmentRows(store, "empty")).toEqual([]);
    expect(await collect(listSegments(store))).toEqual(["empty", "none"]);
  });

  it("is decided by the first of two runs, and the other's tar goes", async () => {
    const [one, two] = [segment(20), segment(20, 3000, 99)];
    const results = await Promise.all([
      writeSegment(store, "twice", one.rows, one.pictures),
      writeSegment(store, "twice", two.rows, two.pictures),
    ]);
    expect([...results].sort()).toEqual(["exists", "published"]);
    expect(await tarOf("twice")).toHaveLength(1);
    const winner = results[0] === "published" ? one : two;
    for (const { member, bytes } of await collect(
      readSegmentPictures(store, "twice", new Set(winner.pictures.keys())),
    )) {
      expect(bytes.equals(winner.pictures.get(member) as Buffer)).toBe(true);
    }
    expect(await writeSegment(store, "twice", two.rows, two.pictures)).toBe("exists");
    expect(await tarOf("twice")).toHaveLength(1);
  });

  it("is invisible while only its tar is there, and the run after finishes it", async () => {
    const { rows, pictures } = segment(20);
    await writeSegment(store, "s", rows, pictures);
    await store.delete("segments/s.parquet");
    expect(await collect(listSegments(store))).toEqual([]);
    expect(await writeSegment(store, "s", rows, pictures)).toBe("published");
    expect(await tarOf("s")).toHaveLength(1);
  });

  it("refuses rows and pictures that don't belong together", async () => {
    const { rows, pictures } = segment(6);
    const [first = row(0, true)] = rows;
    const extra = new Map([...pictures, ["extra.jpg", Buffer.from("x")]]);
    const lacking = new Map([...pictures].slice(1));
    await expect(writeSegment(store, "x", rows, extra)).rejects.toThrow(/exactly one row/);
    await expect(writeSegment(store, "x", rows, lacking)).rejects.toThrow(/names no picture/);
    await expect(writeSegment(store, "x", [...rows, first], pictures)).rejects.toThrow(/exactly one row/);
    await expect(writeSegment(store, "x", [{ ...first, reason: "http_404" }], pictures)).rejects.toThrow(
      /either/,
    );
    await expect(writeSegment(store, "../x", [], new Map())).rejects.toThrow(/segment's id/);
    expect(await collect(store.list("segments/"))).toEqual([]);
  });

  it("whose parquet is cut off or has a flipped bit is a CorruptSegmentError that names it", async () => {
    const { rows, pictures } = segment(40);
    await writeSegment(store, "s", rows, pictures);
    const path = join(root, "segments/s.parquet");
    const whole = await readFile(path);
    for (const cut of [0, 3, 100, whole.length >> 1, whole.length - 1]) {
      await writeFile(path, whole.subarray(0, cut));
      const error = await readSegmentRows(store, "s").catch((e: unknown) => e);
      expect(error, `${cut}`).toBeInstanceOf(CorruptSegmentError);
      expect((error as CorruptSegmentError).message).toContain("segments/s.parquet");
      expect((error as CorruptSegmentError).hint).toMatch(/pairloom up --mend/);
    }
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ (1 << (at % 8));
      await writeFile(path, damaged);
      await expect(readSegmentRows(store, "s"), `byte ${at}`).rejects.toThrow(CorruptSegmentError);
    }
  });

  it("whose tar is missing, cut off or changed is a CorruptSegmentError that names it", async () => {
    const { rows, pictures } = segment(40);
    await writeSegment(store, "s", rows, pictures);
    const [tar = ""] = await tarOf("s");
    const path = join(root, tar);
    const whole = await readFile(path);
    const all = new Set(pictures.keys());
    const changed = Buffer.from(whole);
    changed[600] = (changed[600] as number) ^ 1;
    for (const bytes of [whole.subarray(0, 20_000), Buffer.alloc(0), changed, null]) {
      if (bytes === null) await rm(path);
      else await writeFile(path, bytes);
      const error = await collect(readSegmentPictures(store, "s", all)).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(CorruptSegmentError);
      expect((error as CorruptSegmentError).message).toContain(tar);
      await expect(checkSegment(store, "s")).rejects.toThrow(tar);
    }
  });

  it("is read to its last byte by a check, and says how many candidates it covers", async () => {
    const { rows, pictures } = segment(10);
    await writeSegment(store, "s", rows, pictures, 12);
    const [tar = ""] = await tarOf("s");
    expect(await checkSegment(store, "s")).toMatchObject({ tar, candidates: 12 });
    expect(segmentOfTar(tar)).toBe("s");
    expect(await checkTar(store, tar)).toBeNull();
    const whole = await readFile(join(root, tar));
    for (const at of [0, 700, whole.length - 1]) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 1;
      await writeFile(join(root, tar), changed);
      expect(await checkTar(store, tar)).toMatch(/not those written/);
    }
  });
});

describe("verdicts", () => {
  it("come back as they were", async () => {
    const verdicts = [
      { candidateId: "a", kept: true, reason: null, duplicateOf: null },
      { candidateId: "b", kept: false, reason: "duplicate_near" as const, duplicateOf: "a" },
    ];
    expect(await writeVerdicts(store, "s", verdicts)).toBe("published");
    expect(await readVerdicts(store, "s")).toEqual(verdicts);
  });
});

describe("a candidates file", () => {
  const candidates = Array.from({ length: 10 }, (_, i): Candidate => {
    const { imageUrl, texts, pageUrl, query, source, licence, language } = row(i, true);
    return { imageUrl, texts, pageUrl, query, source, licence, language, optOuts: [] };
  });

  it("gives back all of its candidates or a part", async () => {
    expect(await writeCandidates(store, "c", candidates)).toBe("published");
    expect(await readCandidates(store, "c")).toEqual(candidates);
    expect(await readCandidates(store, "c", 2, 5)).toEqual(candidates.slice(2, 5));
    expect(await readCandidates(store, "c", 8, 50)).toEqual(candidates.slice(8));
  });

  it("with a line that is no candidate is an error that names the line", async () => {
    await writeCandidates(store, "c", [...candidates.slice(0, 3), { imageUrl: 7 } as never, ...candidates]);
    await expect(readCandidates(store, "c")).rejects.toThrow(/candidates\/c\.jsonl\.gz.*line 4/);
    await writeFile(join(root, "candidates/c.jsonl.gz"), "no gzip");
    await expect(readCandidates(store, "c")).rejects.toThrow(/damaged/);
  });
});

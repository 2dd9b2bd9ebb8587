import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pairloom/config";
import { openStore, type Store, storeBelow } from "@pairloom/storage";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  CorruptSegmentError,
  type DataCard,
  decodeTable,
  finishRelease,
  readPlanShard,
  scanTar,
  shardColumns,
  shardRow,
  type TarEntry,
  writePlan,
  writeShard,
} from "../src/index.js";
import { decideSmall, makeSmallRelease, smallPlan, writeSmallSegments } from "./smallRelease.js";

let root: string;
let store: Store;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-release-"));
  store = await openStore(root);
});
afterEach(() => rm(root, { recursive: true }));

async function filesOf(release: Store): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  for await (const { name } of release.list("")) files.set(name, await release.get(name));
  return files;
}

async function membersOf(release: Store, tar: string): Promise<TarEntry[]> {
  const members: TarEntry[] = [];
  const onProblem = (problem: unknown) => expect.fail(JSON.stringify(problem));
  for await (const entry of scanTar(await release.read(tar), { onProblem })) members.push(entry);
  return members;
}

describe("a release", () => {
  it("holds every kept picture with its caption and record side by side, and the same as a table", async () => {
    const { release, samples, pictures } = await makeSmallRelease(store);
    expect(samples.length).toBeGreaterThan(20);
    let at = 0;
    for (let shard = 0; at < samples.length; shard++) {
      const name = `0000${shard}`;
      const members = await membersOf(release, `${name}.tar`);
      const here = samples.slice(at, at + 10);
      expect(members.map((m) => m.name)).toEqual(
        here.flatMap(({ key }) => [`${key}.jpg`, `${key}.txt`, `${key}.json`]),
      );
      here.forEach((sample, i) => {
        const [picture, text, record] = members.slice(3 * i).map(({ data }) => data);
        expect(picture?.equals(pictures.get(sample.key) as Buffer)).toBe(true);
        expect(text?.toString()).toBe(sample.caption);
        expect(JSON.parse(record?.toString() ?? "")).toEqual(shardRow(sample));
      });
      const { rows } = await decodeTable(shardColumns, await release.get(`${name}.parquet`));
      expect(rows).toEqual(here.map(shardRow));
      expect(JSON.parse((await release.get(`${name}_stats.json`)).toString())).toEqual({
        count: here.length,
        successes: here.length,
        failed_to_download: 0,
        failed_to_resize: 0,
        duration: 0,
        start_time: 0,
        end_time: 0,
        status_dict: { success: here.length },
      });
      at += here.length;
    }
  });

  it("counts what it holds and what it refused, and the sums fit", async () => {
    const { release, samples, rejected } = await makeSmallRelease(store);
    const card = JSON.parse((await release.get("datacard.json")).toString()) as DataCard;
    expect([card.candidates, card.kept, card.rejected]).toEqual([60, samples.length, rejected.length]);
    const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
    expect(sum(card.counts.reason)).toBe(rejected.length);
    expect(card.counts.reason["http_404"]).toBe(15);
    for (const kind of ["source", "licence", "language", "query"] as const) {
      expect(sum(card.counts[kind]), kind).toBe(samples.length);
    }
    const sizes = JSON.parse((await release.get("sizes.json")).toString()) as Record<string, number>;
    expect(sum(sizes)).toBe(samples.length);
    const text = (await release.get("README.md")).toString();
    expect(text).toContain(`${samples.length} image–text pairs`);
    expect(text).toMatch(/^---\n[^]*path: "\*\.tar"[^]*\n---\n/);
    const index = JSON.parse((await release.get("index.json")).toString()) as { shardlist: unknown[] };
    expect(index).toMatchObject({
      wids_version: 1,
      shardlist: [{ url: "00000.tar", nsamples: 10 }, {}, {}, {}],
    });
  });

  it("made again elsewhere, its shards in another order, is the same byte for byte", async () => {
    const one = await filesOf((await makeSmallRelease(store)).release);
    const elsewhere = await mkdtemp(join(tmpdir(), "pairloom-again-"));
    try {
      const other = await openStore(elsewhere);
      const decided = decideSmall(60);
      await writeSmallSegments(other, 60);
      await writePlan(other, "small", { ...smallPlan, candidates: 60, ...decided });
      const to = storeBelow(other, "release");
      const shards = Array.from({ length: Math.ceil(decided.samples.length / 10) }, (_, i) => i);
      await Promise.all(
        shards.map(async (shard) => {
          const samples = await readPlanShard(other, "small", shard);
          await writeShard({ from: other, to, release: smallPlan.id(), shard, samples });
        }),
      );
      await finishRelease(other, "small", to);
      const two = await filesOf(to);
      expect([...two.keys()]).toEqual([...one.keys()]);
      for (const [name, bytes] of two) expect(bytes.equals(one.get(name) as Buffer), name).toBe(true);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it("goes on where a killed job left off: a shard without its parquet is finished, the rest stays", async () => {
    const { release } = await makeSmallRelease(store);
    const before = await filesOf(release);
    for (const name of ["00001.parquet", "00001_stats.json", "00002.parquet", "00002.tar", "sizes.json"]) {
      await release.delete(name);
    }
    await expect(finishRelease(store, "small", release)).rejects.toThrow(/00001\.parquet is missing/);
    expect(await release.stat("sizes.json")).toBeNull();
    await makeSmallRelease(store);
    const after = await filesOf(release);
    expect([...after.keys()]).toEqual([...before.keys()]);
    for (const [name, bytes] of after) expect(bytes.equals(before.get(name) as Buffer), name).toBe(true);
  });

  it("doesn't mix with another one in the same folder or under the same name", async () => {
    const { release, samples } = await makeSmallRelease(store);
    const plan = {
      ...smallPlan,
      id: () => "another",
      candidates: 10,
      samples: samples.slice(0, 10),
      rejected: [],
    };
    await expect(writePlan(store, "small", plan)).rejects.toMatchObject({ code: "release_name_taken" });
    await writePlan(store, "other", plan);
    const job = { from: store, to: release, release: "another", shard: 0, samples: samples.slice(0, 10) };
    await expect(writeShard(job)).rejects.toMatchObject({ code: "release_folder_taken" });
    await release.delete("00000.parquet");
    await expect(writeShard({ ...job, samples: samples.slice(0, 9) })).rejects.toMatchObject({
      code: "release_folder_taken",
    });
    await expect(finishRelease(store, "other", release)).rejects.toMatchObject({
      code: "release_folder_taken",
    });
  });

  it("may be empty", async () => {
    const rejected = decideSmall(8).rejected;
    await writePlan(store, "empty", { ...smallPlan, candidates: rejected.length, samples: [], rejected });
    const to = storeBelow(store, "nothing");
    const card = await finishRelease(store, "empty", to);
    expect(card.kept).toBe(0);
    expect((await to.get("sizes.json")).toString().trim()).toBe("{}");
  });

  it("is refused where a candidate is missing from the plan", async () => {
    const { samples, rejected } = decideSmall(20);
    const plan = { ...smallPlan, candidates: 20, samples, rejected: rejected.slice(1) };
    await expect(writePlan(store, "bad", plan)).rejects.toThrow(/Expected 20 candidates/);
  });

  it("names the segment whose picture is damaged, and publishes no shard with it", async () => {
    const { samples } = decideSmall(60);
    await writeSmallSegments(store, 60);
    for await (const { name } of store.list("segments/seg0.")) {
      if (name.endsWith(".tar")) await writeFile(join(root, name), "gone");
    }
    const to = storeBelow(store, "release");
    const job = { from: store, to, release: "x", shard: 0, samples: samples.slice(0, 10) };
    const error = await writeShard(job).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CorruptSegmentError);
    expect(error).toBeInstanceOf(UserError);
    expect([...(await filesOf(to)).keys()]).toEqual([]);
  });
});

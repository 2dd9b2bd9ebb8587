import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { openShards, scanTar } from "@pairloom/shards";
import { openStore, type Store } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { makeSmallRelease } from "../../packages/shards/test/smallRelease.js";
import { makeSmallRelease as makeTrainingRelease } from "../../packages/training/test/smallRelease.js";
import { pictureServer, type PictureServer } from "../../services/fetcher/test/pictureServer.js";
import { s3Missing, type S3Server, startMoto, startSeaweed } from "./s3Servers.js";

if (s3Missing !== null) console.log(`pairloom fetch on S3 is skipped: ${s3Missing}`);

const cli = fileURLToPath(new URL("../../services/cli/bin/pairloom.js", import.meta.url));
const rowCount = 900;
const perShard = 60;
const servers = [
  { name: "moto", start: startMoto },
  { name: "SeaweedFS", start: startSeaweed },
];

describe.skipIf(s3Missing !== null).each(servers)("pairloom on $name", ({ start }) => {
  let s3: S3Server;
  let pictures: PictureServer;
  let temp: string;
  let bucket: Store;
  beforeAll(async () => {
    [s3, pictures, temp] = await Promise.all([
      start(),
      pictureServer(),
      mkdtemp(join(tmpdir(), "fetch-s3-")),
    ]);
    await s3.makeBucket("fetched");
    for (const [name, value] of Object.entries(s3.env)) vi.stubEnv(name, value);
    vi.stubEnv("TMPDIR", temp);
    bucket = await openStore("s3://fetched");
    const path = (n: number) => (n % 10 === 9 ? `/404/${n}` : `/ok/${n}`);
    const lines = Array.from({ length: rowCount }, (_, n) => `${pictures.origin}${path(n)},caption ${n}`);
    const list = ["url,caption", ...lines].join("\n");
    await bucket.publish("lists/list.csv.gz", gzipSync(list));
    await writeFile(join(temp, "list.csv"), list);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await Promise.all([s3.close(), pictures.close()]);
    await rm(temp, { recursive: true, force: true });
  });

  const fetchArgs = (list: string, out: string) => [
    cli,
    "fetch",
    `--url_list=${list}`,
    `--output_folder=${out}`,
    "--caption_col=caption",
    "--output_format=webdataset",
    `--number_sample_per_shard=${perShard}`,
    "--allow_private=127.0.0.0/8",
    "--host_gap_ms=0",
    "--address_gap_ms=0",
    "--image_size=64",
    "--json",
  ];

  /** Runs `pairloom fetch`; killed when so many more requests have come. @returns the exit code, null where killed */
  async function fetchList(list: string, out: string, killAfterRequests?: number): Promise<number | null> {
    const child = spawn(process.execPath, fetchArgs(list, out), { stdio: ["ignore", "ignore", "inherit"] });
    const before = pictures.asked.length;
    const timer = setInterval(() => {
      if (killAfterRequests !== undefined && pictures.asked.length - before >= killAfterRequests)
        child.kill("SIGKILL");
    }, 1);
    const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
    clearInterval(timer);
    return code;
  }

  test("a list becomes the same shards as on this machine, whatever was killed on the way", async () => {
    let kills = 0;
    for (const requests of [1, 130, 240, 75])
      if ((await fetchList("s3://fetched/lists/", "s3://fetched/out", requests)) === null) kills++;
    expect(kills).toBeGreaterThanOrEqual(3);
    expect(await fetchList("s3://fetched/lists/", "s3://fetched/out")).toBe(0);
    expect(await fetchList(join(temp, "list.csv"), join(temp, "out"))).toBe(0);
    const here = await openStore(join(temp, "out"));
    const there = await openStore("s3://fetched/out");
    const names = (await readdir(join(temp, "out"))).filter((name) => name !== ".tmp").sort();
    expect(names).toHaveLength((3 * rowCount) / perShard);
    const found: string[] = [];
    for await (const { name } of there.list("")) found.push(name);
    expect(found).toEqual(names);
    for (const name of names) {
      if (name.endsWith(".parquet"))
        expect((await there.get(name)).equals(await here.get(name)), name).toBe(true);
      if (name.endsWith(".tar"))
        expect(await membersOf(there, name), name).toEqual(await membersOf(here, name));
    }
  });

  test("killed runs leave only work of their own on this machine, and the next run removes it", async () => {
    const scratch = (await readdir(temp)).filter((name) => name.startsWith("pairloom-scratch-"));
    expect(scratch).toHaveLength(1);
    expect(await readdir(join(temp, scratch[0]!))).toEqual([]);
  });

  test("a release is written on S3 with the same bytes, read and verified where it lies, and damage is found", async () => {
    const { release: there } = await makeSmallRelease(bucket, 60);
    const { release: here } = await makeSmallRelease(await openStore(join(temp, "small")), 60);
    let files = 0;
    for await (const { name } of here.list("")) {
      files++;
      expect((await there.get(name)).equals(await here.get(name)), name).toBe(true);
    }
    expect(files).toBeGreaterThan(5);
    const keys: string[] = [];
    for await (const { key } of await openShards("s3://fetched/release", { shuffleBuffer: 16, seed: 3 }))
      keys.push(key);
    expect(new Set(keys).size).toBe(keys.length);
    const verify = () =>
      promisify(execFile)(process.execPath, [
        cli,
        "shards",
        "verify",
        "s3://fetched/release",
        "--no-decode",
        "--json",
      ]);
    const { stdout } = await verify();
    expect(JSON.parse(stdout)).toMatchObject({ problems: [], samples: keys.length });
    const release = await openStore("s3://fetched/release");
    const table = await release.get("00000.parquet");
    await release.delete("00000.parquet");
    await release.publish("00000.parquet", table.subarray(0, table.length - 9));
    await expect(verify()).rejects.toThrow();
  });

  test("a training takes the same steps from a release on S3 as from one on this machine", async () => {
    const { folder, release } = await makeTrainingRelease(48);
    try {
      const here = await openStore(release);
      const there = await openStore("s3://fetched/training");
      for await (const { name } of here.list("")) await there.publish(name, await here.get(name));
      const losses: unknown[] = [];
      for (const data of [release, "s3://fetched/training"]) {
        const out = join(folder, `run-${losses.length}`);
        await promisify(execFile)(process.execPath, [
          cli,
          "train",
          `--data=${data}`,
          `--out=${out}`,
          `--model=${join(folder, "small.json")}`,
          "--engine=wasm",
          "--batch-size=8",
          "--steps=3",
          "--data-workers=1",
          "--json",
        ]);
        const metrics = (await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n");
        losses.push(metrics.map((line) => (JSON.parse(line) as { loss?: number }).loss));
      }
      expect(losses[0]).toContainEqual(expect.any(Number));
      expect(losses[1]).toEqual(losses[0]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

async function membersOf(store: Store, name: string): Promise<Record<string, string>> {
  const members: [string, string][] = [];
  for await (const { name: member, data } of scanTar(await store.read(name)))
    members.push([member, data.toString("base64")]);
  expect(new Set(members.map(([member]) => member)).size).toBe(members.length);
  return Object.fromEntries(members.sort());
}

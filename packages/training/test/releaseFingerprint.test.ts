import { cp, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { findShards } from "@pairloom/shards";
import { openStore, type Store } from "@pairloom/storage";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FingerprintLimits, releaseFingerprint } from "../src/data/releaseFingerprint.js";

const bytes = 300_000;
const shard = (seed: number): Buffer =>
  Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 31 + seed * 7) % 253));

let root: string;
let whole: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-fingerprint-"));
  whole = join(root, "whole");
  await openStore(whole);
  for (const i of [0, 1, 2, 3]) await writeFile(join(whole, `0000${i}.tar`), shard(i));
  await writeFile(join(whole, "00001.parquet"), "a table of the second");
});
afterAll(() => rm(root, { recursive: true }));

const of = async (
  folder: string,
  limits?: FingerprintLimits,
  wrap = (store: Store) => store,
): Promise<string> => {
  const store = await openStore(folder, { readOnly: true });
  return releaseFingerprint(wrap(store), await findShards(store), limits);
};

async function changed(change: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = await mkdtemp(join(root, "changed-"));
  await cp(whole, folder, { recursive: true });
  await change(folder);
  return folder;
}

/** One byte of a shard is another. */
const flip = (name: string, at: number) => async (folder: string) => {
  const copy = shard(Number(name.slice(0, 5)));
  copy[at] = (copy[at] as number) ^ 1;
  await writeFile(join(folder, name), copy);
};

const sampled = { wholeBytes: 1 };

describe.each([
  ["read whole", {}],
  ["too large to be read whole", sampled],
])("data %s", (_, limits) => {
  test("have the same fingerprint wherever they lie, and whenever they were written", async () => {
    const moved = await changed((folder) => utimes(join(folder, "00000.tar"), 1, 1));
    expect(await of(moved, limits)).toBe(await of(whole, limits));
    expect(await of(whole, limits)).toMatch(/^[0-9a-f]{64}$/);
  });

  test.each<[string, (folder: string) => Promise<unknown>]>([
    ["the first byte of a shard", flip("00002.tar", 0)],
    ["the last byte of a shard", flip("00002.tar", bytes - 1)],
    ["a table", (folder) => writeFile(join(folder, "00001.parquet"), "A table of the second")],
    ["a name", (folder) => rename(join(folder, "00003.tar"), join(folder, "00004.tar"))],
    ["a shard's length", (folder) => writeFile(join(folder, "00003.tar"), shard(3).subarray(1))],
    ["a shard less", (folder) => rm(join(folder, "00003.tar"))],
    ["a table less", (folder) => rm(join(folder, "00001.parquet"))],
    [
      "two shards in each other's place",
      async (folder) => {
        await writeFile(join(folder, "00002.tar"), shard(3));
        await writeFile(join(folder, "00003.tar"), shard(2));
      },
    ],
  ])("have another where there is another: %s", async (_what, change) => {
    expect(await of(await changed(change), limits)).not.toBe(await of(whole, limits));
  });
});

test("data that are read whole have another fingerprint where any byte is another", async () => {
  for (const at of [1, 99_999, 150_000])
    expect(await of(await changed(flip("00001.tar", at)))).not.toBe(await of(whole));
});

test("of large data few ranges of each shard are read, of very many shards some", async () => {
  const read: Record<string, number> = {};
  const counting = (store: Store): Store => {
    const counted: Pick<Store, "read"> = {
      read: async (name, range) => {
        const chunks: Buffer[] = [];
        for await (const chunk of await store.read(name, range)) chunks.push(chunk as Buffer);
        const all = Buffer.concat(chunks);
        read[name] = (read[name] ?? 0) + all.length;
        return Readable.from([all]);
      },
    };
    return new Proxy(store, {
      get: (target, key) => Reflect.get(key === "read" ? counted : target, key) as unknown,
    });
  };
  await of(whole, sampled, counting);
  const three = 3 * 65536;
  expect(read).toEqual({
    "00000.tar": three,
    "00001.tar": three,
    "00001.parquet": 21,
    "00002.tar": three,
    "00003.tar": three,
  });
  for (const name of Object.keys(read)) delete read[name];
  await of(whole, { ...sampled, sampledShards: 2 }, counting);
  expect(Object.keys(read).sort()).toEqual(["00000.tar", "00002.tar"]);
});

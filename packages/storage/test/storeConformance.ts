import { createHash, randomBytes } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setAside } from "../src/setAside.js";
import { type BlobInfo, BlobNotFoundError, type ListOptions, type Store } from "../src/store.js";

export interface StoreUnderTest {
  store: Store;
  /** The same blobs through a second door, as another process would see them. */
  again: () => Promise<Store>;
  remove: () => Promise<void>;
}

export interface ConformanceOptions {
  /** Of a large blob: more than a store holds in memory or sends at once. */
  largeBytes?: number;
  /** Names in one folder: more than a page of a listing has. */
  manyNames?: number;
  /** Why large blobs are not published by many at once here: what a server is known to do wrong. */
  largeRace?: string;
  /** Why whole names don't come in byte order here. */
  disorder?: string;
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function listed(store: Store, prefix: string, options: ListOptions = {}): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  for await (const blob of store.list(prefix, options)) found.push(blob);
  return found;
}

/** Bytes that look the same nowhere, chunk by chunk. */
async function* manyBytes(bytes: number, seed: number): AsyncGenerator<Buffer> {
  const block = Buffer.alloc(1 << 20, randomBytes(4096));
  for (let at = 0; at < bytes; at += block.length) {
    const chunk = Buffer.from(block.subarray(0, Math.min(block.length, bytes - at)));
    chunk.writeUInt32LE(seed, 0);
    chunk.writeUInt32LE(at >>> 0, 4);
    yield chunk;
    await nextTurn();
  }
}

function* chunksOf(whole: Buffer): Generator<Buffer> {
  for (let at = 0; at < whole.length; at += 77_777) yield whole.subarray(at, at + 77_777);
}

async function sha256Of(chunks: AsyncIterable<unknown>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** What every store must do; `make` gives an empty one. */
export function storeConformance(
  title: string,
  make: () => Promise<StoreUnderTest>,
  options: ConformanceOptions = {},
): void {
  const { largeBytes = 20 << 20, manyNames = 1100 } = options;
  describe(`${title} as a store`, () => {
    let at: StoreUnderTest;
    let store: Store;
    beforeAll(async () => {
      at = await make();
      store = at.store;
    });
    afterAll(() => at.remove());

    it("gives back what was published, whole, in ranges, and by another door", async () => {
      const data = randomBytes(300_000);
      expect(await store.publish("a/whole.bin", data)).toBe("published");
      expect((await store.get("a/whole.bin")).equals(data)).toBe(true);
      expect((await bytesOf(await store.read("a/whole.bin"))).equals(data)).toBe(true);
      for (const [start, end] of [
        [0, 1],
        [1000, 250_000],
        [299_999, 300_000],
        [5, 5],
        [299_000, 400_000],
        [400_000, 500_000],
      ] as const) {
        const part = await bytesOf(await store.read("a/whole.bin", { start, end }));
        expect(part.equals(data.subarray(start, end)), `${start}–${end}`).toBe(true);
      }
      expect(await bytesOf(await store.read("a/whole.bin", { start: 299_990 }))).toEqual(
        data.subarray(299_990),
      );
      expect(await store.stat("a/whole.bin")).toEqual({ name: "a/whole.bin", bytes: 300_000 });
      expect((await (await at.again()).get("a/whole.bin")).equals(data)).toBe(true);
    });

    it("publishes large blobs of unknown length, from memory and from a file, and reads them whole and in ranges", async () => {
      const folder = await mkdtemp(join(tmpdir(), "pairloom-store-"));
      const path = join(folder, "large");
      await writeFile(path, manyBytes(largeBytes, 1));
      const expected = await sha256Of(createReadStream(path));
      const whole = await bytesOf(createReadStream(path));
      try {
        expect(await store.publish("big/stream", Readable.from(chunksOf(whole)))).toBe("published");
        expect(await store.publish("big/memory", whole)).toBe("published");
        expect(await store.publishFile("big/file", path)).toBe("published");
      } finally {
        await rm(folder, { recursive: true });
      }
      for (const name of ["big/stream", "big/memory", "big/file"]) {
        expect(await store.stat(name)).toEqual({ name, bytes: largeBytes });
        expect(await sha256Of(await store.read(name)), name).toBe(expected);
      }
      expect((await store.get("big/stream")).equals(whole)).toBe(true);
      for (const [start, end] of [
        [largeBytes - 7, largeBytes],
        [(5 << 20) - 3, (5 << 20) + 3],
        [1, largeBytes - 1],
      ] as const) {
        const part = await bytesOf(await store.read("big/file", { start, end }));
        expect(part.equals(whole.subarray(start, end)), `${start}–${end}`).toBe(true);
      }
      expect(await store.publish("big/stream", manyBytes(largeBytes, 2))).toBe("exists");
      expect(await sha256Of(await store.read("big/stream"))).toBe(expected);
    });

    it("lets a reader stop in the middle of a large blob, and others read it meanwhile", async () => {
      await store.publish("big/left", manyBytes(largeBytes, 3));
      let read = 0;
      for await (const chunk of await store.read("big/left")) {
        read += (chunk as Buffer).length;
        if (read > 1 << 20) break;
      }
      expect(read).toBeLessThan(largeBytes);
      const sums = await Promise.all(
        Array.from({ length: 3 }, async () => sha256Of(await store.read("big/left"))),
      );
      expect(new Set(sums).size).toBe(1);
    });

    it("publishes an empty blob and a stream of many chunks", async () => {
      expect(await store.publish("b/empty", Buffer.alloc(0))).toBe("published");
      expect(await store.stat("b/empty")).toEqual({ name: "b/empty", bytes: 0 });
      const chunks = Array.from({ length: 3000 }, (_, i) => Buffer.alloc(i % 4000, i));
      async function* stream() {
        yield* chunks;
      }
      expect(await store.publish("b/stream", stream())).toBe("published");
      expect((await store.get("b/stream")).equals(Buffer.concat(chunks))).toBe(true);
    });

    it("never replaces a blob: the first publisher wins", async () => {
      expect(await store.publish("c/first", Buffer.from("one"))).toBe("published");
      expect(await store.publish("c/first", Buffer.from("two"))).toBe("exists");
      expect((await store.get("c/first")).toString()).toBe("one");
    });

    it("lets exactly one of many simultaneous publishers win, and all see its bytes", async () => {
      const doors = await Promise.all([at.again(), at.again(), at.again()]);
      const results = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          (doors[i % 3] as Store)
            .publish("c/race", Buffer.alloc(100_000, i))
            .then((result) => ({ i, result })),
        ),
      );
      const winners = results.filter(({ result }) => result === "published");
      expect(winners).toHaveLength(1);
      expect((await store.get("c/race")).equals(Buffer.alloc(100_000, winners[0]?.i))).toBe(true);
    });

    it.skipIf(options.largeRace !== undefined)(
      "lets exactly one of many simultaneous publishers of large blobs win",
      async () => {
        const doors = await Promise.all([at.again(), at.again()]);
        const results = await Promise.all(
          Array.from({ length: 4 }, (_, i) =>
            (doors[i % 2] as Store).publish("c/large", manyBytes(largeBytes, i)),
          ),
        );
        expect(results.filter((result) => result === "published")).toHaveLength(1);
        const winner = results.indexOf("published");
        expect((await store.get("c/large")).readUInt32LE(0)).toBe(winner);
      },
    );

    it("shows nothing of a blob whose stream broke off, and takes the name afterwards", async () => {
      async function* broken() {
        yield randomBytes(100_000);
        throw new Error("the source broke");
      }
      await expect(store.publish("d/broken", broken())).rejects.toThrow("the source broke");
      expect(await store.stat("d/broken")).toBeNull();
      expect(await listed(store, "d/")).toEqual([]);
      expect(await store.publish("d/broken", Buffer.from("whole"))).toBe("published");
    });

    it("shows nothing of a large blob whose stream broke off late, or before it is whole", async () => {
      async function* late() {
        yield* manyBytes(largeBytes, 4);
        expect(await (await at.again()).stat("d/late")).toBeNull();
        expect(await listed(store, "d/late")).toEqual([]);
        throw new Error("the source broke late");
      }
      await expect(store.publish("d/late", late())).rejects.toThrow("the source broke late");
      expect(await store.stat("d/late")).toBeNull();
      expect(await listed(store, "d/late")).toEqual([]);
    });

    it("closes the source of a blob that is there already", async () => {
      await store.publish("d/there", Buffer.from("x"));
      let begun = 0;
      let closed = 0;
      async function* source() {
        begun++;
        try {
          yield* manyBytes(largeBytes, 5);
        } finally {
          closed++;
        }
      }
      expect(await store.publish("d/there", source())).toBe("exists");
      expect(closed).toBe(begun);
      expect((await store.get("d/there")).toString()).toBe("x");
    });

    it("replaces a file where it is asked to, whatever was there, and takes the local one away", async () => {
      const scratch = await store.scratch();
      for (const text of ["one", "two", "a longer three"]) {
        await writeFile(join(scratch, "file"), text);
        await store.replaceFile("r/file", join(scratch, "file"));
        expect((await (await at.again()).get("r/file")).toString()).toBe(text);
        expect(existsSync(join(scratch, "file"))).toBe(false);
      }
      await writeFile(join(scratch, "large"), manyBytes(largeBytes, 6));
      const { size } = await stat(join(scratch, "large"));
      await store.replaceFile("r/file", join(scratch, "large"));
      expect(await store.stat("r/file")).toEqual({ name: "r/file", bytes: size });
      await rm(scratch, { recursive: true });
    });

    it("replaces and deletes folders, and nothing beside them", async () => {
      const scratch = await store.scratch();
      await store.publish("r/1/old", Buffer.from("old"));
      await store.publish("r/1/both", Buffer.from("old"));
      await store.publish("r/10/beside", Buffer.from("stays"));
      await mkdir(join(scratch, "new", "deep"), { recursive: true });
      await writeFile(join(scratch, "new", "both"), "new");
      await writeFile(join(scratch, "new", "deep", "er"), "new");
      await store.replaceFolder("r/1", join(scratch, "new"));
      expect(existsSync(join(scratch, "new"))).toBe(false);
      expect((await listed(store, "r/1")).map(({ name }) => name)).toEqual([
        "r/1/both",
        "r/1/deep/er",
        "r/10/beside",
      ]);
      expect((await store.get("r/1/both")).toString()).toBe("new");
      await store.deleteFolder("r/1");
      await store.deleteFolder("r/none");
      expect((await listed(store, "r/1")).map(({ name }) => name)).toEqual(["r/10/beside"]);
      await rm(scratch, { recursive: true });
    });

    it("publishes a finished file, whose local name is gone afterwards, win or lose", async () => {
      for (const [folder, name] of [
        [await store.scratch(), "e/near"],
        [await mkdtemp(join(tmpdir(), "pairloom-store-")), "e/far"],
      ] as const) {
        for (const expected of ["published", "exists"]) {
          const path = join(folder, "finished");
          await writeFile(path, expected);
          expect(await store.publishFile(name, path)).toBe(expected);
          expect(existsSync(path)).toBe(false);
        }
        expect((await store.get(name)).toString()).toBe("published");
        await rm(folder, { recursive: true });
      }
    });

    it("says BlobNotFoundError for a blob, a folder and a name below a blob that are not there", async () => {
      await store.publish("f/blob", Buffer.from("x"));
      for (const name of ["f/none", "f", "f/blob/below", "none/at/all"]) {
        await expect(store.get(name), name).rejects.toThrow(BlobNotFoundError);
        await expect(store.read(name), name).rejects.toThrow(BlobNotFoundError);
        expect(await store.stat(name), name).toBeNull();
      }
    });

    it("forgets a deleted blob, and deleting what is not there is no error", async () => {
      await store.publish("g/x", Buffer.from("1"));
      await store.delete("g/x");
      await store.delete("g/x");
      await store.delete("g/never/there");
      expect(await store.stat("g/x")).toBeNull();
      expect(await store.publish("g/x", Buffer.from("2"))).toBe("published");
    });

    it.skipIf(options.disorder !== undefined)(
      "lists the names below a prefix in the byte order of whole names",
      async () => {
        const names = [
          "l/a",
          "l/a-b",
          "l/a.txt",
          "l/a0",
          "l/ab/c",
          "l/b/z/1",
          "l/b/z0",
          "l/é",
          "l/z",
          "l/𝄞",
          "l/ﬀ",
        ];
        names.push("l/d/x", "l/d-x", "l/d0");
        for (const name of names) await store.publish(name, Buffer.from(name));
        const inOrder = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
        const below = async (prefix: string) => (await listed(store, prefix)).map(({ name }) => name);
        expect(await below("l/")).toEqual(inOrder);
        expect(await below("l/a")).toEqual(["l/a", "l/a-b", "l/a.txt", "l/a0", "l/ab/c"]);
        expect(await below("l/b/z")).toEqual(["l/b/z/1", "l/b/z0"]);
        expect(await below("l/b/z/")).toEqual(["l/b/z/1"]);
        expect(await below("nothing/")).toEqual([]);
        expect((await below("")).filter((name) => name.startsWith("l"))).toEqual(inOrder);
        expect(await listed(store, "l/a-")).toEqual([{ name: "l/a-b", bytes: 5 }]);
        const flat = async (prefix: string) =>
          (await listed(store, prefix, { flat: true })).map(({ name }) => name);
        expect(await flat("l/")).toEqual(inOrder.filter((name) => name.lastIndexOf("/") === 1));
        expect(await flat("l/a")).toEqual(["l/a", "l/a-b", "l/a.txt", "l/a0"]);
        expect(await flat("l/b/")).toEqual(["l/b/z0"]);
        expect(await flat("l")).toEqual([]);
      },
    );

    it("lists more names than a page has, each once, in order", async () => {
      const names = Array.from({ length: manyNames }, (_, i) => `many/${(i * 7919) % manyNames}`);
      for (let from = 0; from < names.length; from += 32)
        await Promise.all(
          names.slice(from, from + 32).map((name) => store.publish(name, Buffer.from(name.slice(5)))),
        );
      const found = await listed(store, "many/");
      expect(found.map(({ name }) => name)).toEqual([...names].sort());
      expect(found.every(({ name, bytes }) => bytes === name.length - 5)).toBe(true);
      for await (const { name } of store.list("many/")) {
        expect(name).toBe("many/0");
        break;
      }
    });

    it("refuses names that could leave the store or hide in it", async () => {
      const bad = [
        "",
        "/etc/passwd",
        "..",
        "../x",
        "a/../../x",
        "a//b",
        "a/",
        "./a",
        "a/.",
        "a\\b",
        "a\0b",
        "a\nb",
      ];
      bad.push(".tmp/x", "\ud800", "x".repeat(256), "x/".repeat(600) + "x");
      for (const name of bad) {
        await expect(store.publish(name, Buffer.from("x")), JSON.stringify(name)).rejects.toThrow(
          /no name for a blob/,
        );
        await expect(store.get(name), JSON.stringify(name)).rejects.toThrow(/no name for a blob/);
      }
    });

    it("takes any other name and keeps it as it is", async () => {
      const part = fc
        .string({ unit: "grapheme", minLength: 1, maxLength: 12 })

        .filter(
          (s) => !/[/\\\u0000-\u001f\u007f]/.test(s) && s !== "." && s !== ".." && !s.startsWith(".tmp"),
        );
      let n = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (parts) => {
          const name = `names/${n++}/${parts.join("/")}`;
          expect(await store.publish(name, Buffer.from(name))).toBe("published");
          expect(await listed(store, name)).toEqual([{ name, bytes: Buffer.byteLength(name) }]);
        }),
        { numRuns: 25 },
      );
    });

    it("keeps names that look like another notation of something else", async () => {
      const names = [
        "%2F",
        "a+b c",
        "a%20b",
        "ä",
        "a\u0308",
        "&amp;",
        "<x>",
        "#?x=1",
        " lead",
        "trail ",
        "...",
      ];
      for (const name of names)
        expect(await store.publish(`odd/${name}`, Buffer.from(name))).toBe("published");
      for (const name of names) expect((await store.get(`odd/${name}`)).toString(), name).toBe(name);
      const found = (await listed(store, "odd/")).map(({ name }) => name.slice(4));
      expect(found).toEqual([...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
    });

    it("sets a file aside under a name of its own, however often, and deletes none", async () => {
      const name = "aside/segments/one.parquet";
      for (const [text, place] of [
        ["first", `damaged/${name}`],
        ["second", `damaged/${name}.2`],
      ] as const) {
        await store.publish(name, Buffer.from(text));
        expect(await setAside(store, name)).toBe(place);
        expect(await store.stat(name)).toBeNull();
        expect((await store.get(place)).toString()).toBe(text);
      }
      expect(await setAside(store, name)).toBeNull();
    });

    it("lends an empty folder for work in progress that is no blob", async () => {
      const [one, two] = await Promise.all([store.scratch(), store.scratch()]);
      expect(one).not.toBe(two);
      expect(await readdir(one)).toEqual([]);
      await mkdir(join(one, "inner"));
      await writeFile(join(one, "inner", "file"), "x");
      const before = (await listed(store, "", { anyOrder: true })).map(({ name }) => name);
      expect(before.filter((name) => name.includes("inner"))).toEqual([]);
      await rm(one, { recursive: true });
      await rm(two, { recursive: true });
    });
  });
}

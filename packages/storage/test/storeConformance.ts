import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type BlobInfo, BlobNotFoundError, type Store } from "../src/store.js";

export interface StoreUnderTest {
  store: Store;
  /** The same blobs through a second door, as another process would see them. */
  again: () => Promise<Store>;
  remove: () => Promise<void>;
}

async function bytesOf(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function listed(store: Store, prefix: string): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  for await (const blob of store.list(prefix)) found.push(blob);
  return found;
}

/** What every store must do; `make` gives an empty one. */
export function storeConformance(title: string, make: () => Promise<StoreUnderTest>): void {
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
      expect(await store.stat("g/x")).toBeNull();
      expect(await store.publish("g/x", Buffer.from("2"))).toBe("published");
    });

    it("lists the names below a prefix in the byte order of whole names", async () => {
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

    it("lends an empty folder for work in progress that is no blob", async () => {
      const [one, two] = await Promise.all([store.scratch(), store.scratch()]);
      expect(one).not.toBe(two);
      expect(await readdir(one)).toEqual([]);
      await mkdir(join(one, "inner"));
      await writeFile(join(one, "inner", "file"), "x");
      const before = (await listed(store, "")).map(({ name }) => name);
      expect(before.filter((name) => name.includes("inner"))).toEqual([]);
      await rm(one, { recursive: true });
      await rm(two, { recursive: true });
    });
  });
}

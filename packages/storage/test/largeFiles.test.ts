import { createHash } from "node:crypto";
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readWholeFile } from "../src/readWholeFile.js";
import { sha256OfFile, sha256OfParts } from "../src/sha256.js";
import { writeAll } from "../src/writeAll.js";

// What is done in pieces beyond a limit of the system is done here beyond a lower one; test/faults/largeFiles has the real.
const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 37) % 251));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pieces-"));
  await writeFile(join(folder, "file"), bytes);
});
afterAll(() => rm(folder, { recursive: true }));

test.each([1, 7, 999, 1000, 1001])("a file is read whole by ranges of %i bytes", async (atOnce) => {
  expect((await readWholeFile(join(folder, "file"), atOnce)).equals(bytes)).toBe(true);
});

test("a file of no bytes is empty, a folder is none, and one that isn't there says so", async () => {
  await writeFile(join(folder, "empty"), "");
  await mkdir(join(folder, "folder"));
  expect(await readWholeFile(join(folder, "empty"))).toHaveLength(0);
  await expect(readWholeFile(join(folder, "folder"))).rejects.toMatchObject({ code: "EISDIR" });
  await expect(readWholeFile(join(folder, "none"))).rejects.toMatchObject({ code: "ENOENT" });
});

test.each([1, 7, 999, 1000, 1001])(
  "chunks longer than %i bytes are written in pieces, to the same file",
  async (piece) => {
    const path = join(folder, `written-${piece}`);
    const handle = await open(path, "w");
    await writeAll(handle, [bytes, Buffer.alloc(0), bytes.subarray(3)], piece);
    await handle.close();
    expect(await readFile(path)).toEqual(Buffer.concat([bytes, bytes.subarray(3)]));
  },
);

test("a digest is that of the whole, in parts or of a file", async () => {
  const expected = createHash("sha256").update(bytes).digest("hex");
  expect(await sha256OfFile(join(folder, "file"))).toBe(expected);
  expect(sha256OfParts([bytes.subarray(0, 10), Buffer.alloc(0), bytes.subarray(10)])).toBe(expected);
});

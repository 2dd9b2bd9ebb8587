import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openShards, repairRelease, type ShardSample, surveyShards, verifyRelease } from "../src/index.js";
import { anyTar, jpeg, namedTars } from "./foreignTars.js";

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-names-"));
});
afterAll(() => rm(root, { recursive: true }));

async function folderOf(files: Record<string, Buffer | string>): Promise<string> {
  const at = await mkdtemp(join(root, "shards-"));
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(at, name), bytes);
  return at;
}

async function readAll(folder: string) {
  const reader = await openShards(folder);
  const samples: ShardSample[] = [];
  try {
    for await (const sample of reader) samples.push(sample);
  } catch (error) {
    if ((error as { code?: string }).code !== "no_samples") throw error;
  }
  return { samples, reader };
}

describe.each(Object.entries(namedTars))("%s", (_, { tar, used, says = [], records, notes = {} }) => {
  it("is read as its pairs of picture and text, whatever else is there", async () => {
    const { samples, reader } = await readAll(await folderOf({ "00000.tar": tar }));
    expect(samples.map(({ key }) => key)).toEqual(used);
    if (records !== undefined) expect(samples.map(({ json }) => json)).toEqual(records);
    const lost = records?.filter((record) => record === null).length ?? 0;
    const passed = { ...notes, ...(lost > 0 ? { record_dropped: lost } : {}) };
    expect(reader.noted).toEqual(passed);
    // a look into them reads the same
    if (used.length === 0) return;
    const survey = await surveyShards(await folderOf({ "00000.tar": tar }));
    expect([survey.samples, survey.noted]).toEqual([used.length, passed]);
  });

  it(
    says.length === 0 ? "is sound to the check" : "is named by the check where samples are lost or mixed",
    async () => {
      const verified = await verifyRelease(await folderOf({ "00000.tar": tar }));
      expect(verified.problems.map((problem) => problem.says)).toEqual(
        says.map((pattern) => expect.stringMatching(pattern) as string),
      );
      expect(verified.notes ?? {}).toEqual(notes);
    },
  );
});

it("records that can't be used cost a repair nothing either", async () => {
  const { tar } = namedTars["json-list"]!;
  const at = await folderOf({ "00000.tar": tar });
  expect((await repairRelease(at)).left).toEqual([]);
  expect((await verifyRelease(at)).found).toBe(0);
});

const pair = anyTar([
  ["a.jpg", jpeg],
  ["a.txt", "a caption"],
]);

describe("a file that is named .tar and is none", () => {
  it.each<[string, Buffer | string, RegExp, RegExp]>([
    ["gzip", namedTars["gz"]!.tar, /compressed with gzip/, /gunzip/],
    ["zstd", Buffer.concat([Buffer.from("28b52ffd", "hex"), pair]), /zstd/, /zstd -d/],
    ["xz", Buffer.concat([Buffer.from("fd377a585a00", "hex"), pair]), /xz/, /xz -d/],
    ["bzip2", Buffer.concat([Buffer.from("BZh91AY&SY"), pair]), /bzip2/, /bzip2 -d/],
    ["lz4", Buffer.concat([Buffer.from("04224d18", "hex"), pair]), /lz4/, /lz4 -d/],
    ["zip", Buffer.concat([Buffer.from("PK\x03\x04"), pair]), /a zip archive/, /Unpack/],
    ["parquet", "PAR1PAR1", /a parquet file/, /tars/],
    [
      "a page",
      "<!DOCTYPE html>\n<html><body>403 Forbidden</body></html>",
      /an HTML or XML page/,
      /Fetch it again/,
    ],
    [
      "a long page",
      `\n  <html>${"<p>403 Forbidden</p>\n".repeat(200)}</html>`,
      /an HTML or XML page/,
      /Fetch it again/,
    ],
    [
      "S3's answer",
      '<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
      /an HTML or XML page/,
      /again/,
    ],
    ["JSON", '{"error": "Not Found"}', /JSON/, /again/],
    [
      "an LFS pointer",
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
      /Git LFS/,
      /git lfs pull/,
    ],
    ["a text", "Not Found\n", /a text/, /again/],
  ])("is named as what it is, with what to do: %s", async (_, bytes, says, hint) => {
    const at = await folderOf({ "00000.tar": bytes });
    const { problems } = await verifyRelease(at);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ kind: "tar", file: "00000.tar" });
    expect(problems[0]!.says).toMatch(/^it is no tar but /);
    expect(problems[0]!.says).toMatch(says);
    expect(problems[0]!.says).toMatch(hint);
    const error = (await (
      await openShards(at)
    )
      [Symbol.asyncIterator]()
      .next()
      .catch((thrown: unknown) => thrown)) as Error & { hint: string };
    expect(error.message).toMatch(/hold no sample that can be used: 00000\.tar: it is no tar but/);
    expect(error.message).toMatch(says);
    expect(error.hint).toMatch(hint);
  });

  it("is put aside beside others that are read", async () => {
    const { samples, reader } = await readAll(
      await folderOf({ "00000.tar": namedTars["gz"]!.tar, "00001.tar": pair }),
    );
    expect(samples.map(({ key }) => key)).toEqual(["a"]);
    expect(reader.quarantined).toEqual({ tar_foreign: 1 });
  });

  it("of no bytes is said to be empty", async () => {
    const { problems } = await verifyRelease(await folderOf({ "00000.tar": "", "00001.tar": pair }));
    expect(problems.map(({ file, says }) => `${file}: ${says}`)).toEqual([
      "00000.tar: the file is empty (byte 0)",
    ]);
  });
});

it.each(["00000.tar.gz", "00000.tgz", "00000.tar.zst", "00000.tar.xz"])(
  "a folder of packed tars is named as such, and a packed one beside others by the check: %s",
  async (name) => {
    const at = await folderOf({ [name]: namedTars["gz"]!.tar });
    for (const look of [openShards, verifyRelease, surveyShards]) {
      const error = (await look(at).catch((thrown: unknown) => thrown)) as Error & { hint: string };
      expect(error.message).toContain(`it holds packed ones (${name})`);
      expect(error.hint).toContain("gunzip");
    }
    await writeFile(join(at, "00001.tar"), pair);
    const { problems } = await verifyRelease(at);
    expect(problems).toMatchObject([{ kind: "unexpected", file: name }]);
  },
);

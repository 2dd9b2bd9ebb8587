import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packTar, type Repair, scanTar, type TarMember, type Verification } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { filesOf } from "../../packages/shards/test/filesOf.js";
import { makeSmallRelease, type SmallRelease } from "../../packages/shards/test/smallRelease.js";
import { lastJson, pairloom } from "./pairloom.js";

const candidates = 60;
let root: string;
let intact: string;
let small: SmallRelease;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pairloom-shards-"));
  const pictures = await Promise.all(Array.from({ length: candidates }, (_, i) => drawing(i)));
  small = await makeSmallRelease(await openStore(root), candidates, (i) => pictures[i] as Buffer);
  intact = join(root, "release");
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A ring on a ground, of colours and a shape that the number decides. */
function drawing(i: number): Promise<Buffer> {
  const [width, height] = [120 + ((i * 37) % 140), 90 + ((i * 53) % 130)];
  const colour = (by: number) => `hsl(${(i * by) % 360},70%,${40 + ((i * 7) % 30)}%)`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${colour(47)}"/><circle cx="50%" cy="50%" r="${20 + (i % 20)}" fill="none" stroke="${colour(101)}" stroke-width="9"/></svg>`;
  return sharp(Buffer.from(svg)).jpeg().toBuffer();
}

async function copy(): Promise<string> {
  const at = await mkdtemp(join(root, "copy-"));
  await cp(intact, at, { recursive: true });
  return at;
}

/** What a command printed as its result (the first line; an error comes after it), and its exit code. */
async function shards<T>(...args: string[]): Promise<{ code: number | null; result: T; stderr: string }> {
  const ran = await pairloom(["shards", ...args, "--json"]);
  const [line = ""] = ran.stdout.split("\n");
  return { code: ran.code, result: JSON.parse(line) as T, stderr: ran.stderr };
}
const verify = (at: string, ...more: string[]) => shards<Verification>("verify", at, ...more);
const repair = (at: string, ...more: string[]) => shards<Repair & { dryRun: boolean }>("repair", at, ...more);

type Damage = (at: string) => Promise<void>;

const editBytes =
  (file: string, change: (bytes: Buffer) => Uint8Array): Damage =>
  async (at) =>
    writeFile(join(at, file), change(await readFile(join(at, file))));

const editText = (file: string, change: (text: string) => string): Damage =>
  editBytes(file, (bytes) => Buffer.from(change(bytes.toString("utf8"))));

const remove =
  (...files: string[]): Damage =>
  async (at) => {
    for (const file of files) await rm(join(at, file), { recursive: true });
  };

/** Takes a tar apart, lets `change` alter its members, and puts it together again. */
const repack =
  (file: string, change: (members: TarMember[]) => TarMember[]): Damage =>
  async (at) => {
    const bytes = await readFile(join(at, file));
    async function* whole() {
      yield bytes;
    }
    const members: TarMember[] = [];
    for await (const { name, data } of scanTar(whole())) members.push({ name, data });
    await writeFile(join(at, file), packTar(change(members)));
  };

const withMember = (name: string, change: (data: Uint8Array) => Uint8Array) => (members: TarMember[]) =>
  members.map((member) => (member.name === name ? { name, data: change(member.data) } : member));

interface Named {
  kind: string;
  file: string;
  key?: string;
}

/** Damages of sidecars alone: a repair gives back the bytes that were there. */
const mendable: [string, Damage, Named][] = [
  ["a missing parquet", remove("00001.parquet"), { kind: "missing", file: "00001.parquet" }],
  ["a parquet with a flipped bit", editBytes("00001.parquet", (b) => b.with(90, (b[90] as number) ^ 1)), { kind: "parquet", file: "00001.parquet" }], // prettier-ignore
  ["wrong _stats.json", editText("00002_stats.json", (t) => t.replaceAll("10", "9")), { kind: "count", file: "00002_stats.json" }], // prettier-ignore
  ["missing _stats.json", remove("00002_stats.json"), { kind: "missing", file: "00002_stats.json" }],
  ["a wrong sizes.json", editText("sizes.json", (t) => t.replace("10", "11")), { kind: "count", file: "sizes.json" }], // prettier-ignore
  ["a wids index with another hash", editText("index.json", (t) => t.replace(/"md5sum": "../, '"md5sum": "zz')), { kind: "hash", file: "index.json" }], // prettier-ignore
  ["a data card with another seed", editText("datacard.json", (t) => t.replace('"seed": 0', '"seed": 7')), { kind: "hash", file: "datacard.json" }], // prettier-ignore
  ["an edited README.md", editText("README.md", (t) => t.replace("image–text", "picture")), { kind: "hash", file: "README.md" }], // prettier-ignore
  [
    "every sidecar lost but the README and the rejected rows",
    async (at) => {
      for (const file of await readdir(at))
        if (!/\.tar$|^README|^rejected$/.test(file)) await rm(join(at, file));
    },
    { kind: "missing", file: "00000.parquet" },
  ],
];

const broken = (data: Uint8Array) => data.slice(0, 200);

/** Damages that reach the dataset itself: they are named, and left. */
const lasting: [string, Damage, Named][] = [
  ["a truncated tar", editBytes("00001.tar", (b) => b.subarray(0, b.length >> 1)), { kind: "tar", file: "00001.tar" }], // prettier-ignore
  ["a flipped byte in a picture", editBytes("00000.tar", (b) => b.with(1400, (b[1400] as number) ^ 255)), { kind: "hash", file: "00000.tar", key: "000000000" }], // prettier-ignore
  ["a duplicate key", repack("00002.tar", (members) => [...members, ...members.slice(0, 3)]), { kind: "key", file: "00002.tar", key: "000020000" }], // prettier-ignore
  ["a missing txt", repack("00000.tar", (members) => members.filter(({ name }) => name !== "000000003.txt")), { kind: "pairing", file: "00000.tar", key: "000000003" }], // prettier-ignore
  ["an undecodable picture", repack("00003.tar", withMember("000030001.jpg", broken)), { kind: "picture", file: "00003.tar", key: "000030001" }], // prettier-ignore
  ["a missing tar", remove("00003.tar"), { kind: "missing", file: "00003.tar" }],
  ["a missing rejected file", remove("rejected/00000.parquet"), { kind: "missing", file: "rejected/00000.parquet" }], // prettier-ignore
  ["a rejected file that is none", editText("rejected/00000.parquet", () => "PAR1"), { kind: "parquet", file: "rejected/00000.parquet" }], // prettier-ignore
];

/** What verify must say of a damage. */
async function expectFound(at: string, named: Named): Promise<void> {
  const { code, result, stderr } = await verify(at);
  expect(result.problems).toContainEqual(expect.objectContaining(named));
  expect(result.found).toBe(result.problems.length);
  expect(code).toBe(1);
  expect(stderr).toContain("pairloom shards repair");
}

describe("pairloom shards verify", () => {
  it("finds an intact release whole, in a stable shape", async () => {
    const { code, result } = await verify(intact);
    expect(result).toEqual({
      layout: "release",
      problems: [],
      found: 0,
      shards: 4,
      samples: small.samples.length,
      rejected: small.rejected.length,
    });
    expect(code).toBe(0);
    const words = await pairloom(["shards", "verify", intact]);
    expect(words.stdout).toContain(
      `all whole. ${small.samples.length} kept + ${small.rejected.length} rejected = ${candidates} candidates`,
    );
  });

  it("a folder without shards is refused with what to do", async () => {
    const at = await mkdtemp(join(root, "empty-"));
    const ran = await pairloom(["shards", "verify", at, "--json"]);
    expect(lastJson<{ error: object }>(ran).error).toMatchObject({ code: "no_release" });
    expect(ran.code).toBe(1);
  });
});

describe("pairloom shards repair", () => {
  it("leaves an intact release alone", async () => {
    const at = await copy();
    const { code, result } = await repair(at);
    expect(result).toEqual({
      layout: "release",
      rebuilt: [],
      left: [],
      shards: 4,
      samples: small.samples.length,
      dryRun: false,
    });
    expect(code).toBe(0);
    expect(await filesOf(at)).toEqual(await filesOf(intact));
  });

  it.each(mendable)(
    "%s: verify names it, repair gives back the bytes that were there",
    async (_title, damage, named) => {
      const at = await copy();
      await damage(at);
      await expectFound(at, named);
      expect((await repair(at)).code).toBe(0);
      expect(await filesOf(at)).toEqual(await filesOf(intact));
    },
  );

  it.each(lasting)(
    "%s: verify names it, repair says that it can't be mended",
    async (_title, damage, named) => {
      const at = await copy();
      await damage(at);
      await expectFound(at, named);
      await remove("sizes.json")(at);
      const { code, result } = await repair(at);
      expect(result.left).toContainEqual(expect.objectContaining({ file: named.file }));
      expect(code).toBe(1);
      expect((await filesOf(at)).has("sizes.json"), "nothing says that it is whole").toBe(false);
    },
  );

  it("with --trust-tars makes a whole release of the tars that are there; verify still decodes them", async () => {
    const at = await copy();
    await repack("00003.tar", withMember("000030001.jpg", broken))(at);
    await remove("00001.tar", "00001.parquet", "00001_stats.json")(at);
    expect((await repair(at, "--trust-tars", "--dry-run")).result.rebuilt).toContain("00003.parquet");
    expect((await verify(at)).code, "a dry run mends nothing").toBe(1);
    expect((await repair(at, "--trust-tars")).code).toBe(0);
    const { code, result } = await verify(at);
    expect(result.problems).toMatchObject([{ kind: "picture", file: "00003.tar", key: "000030001" }]);
    expect(code).toBe(1);
    expect((await verify(at, "--no-decode")).code).toBe(0);
  });

  it("a card that nothing tells is made without claiming what it can't know", async () => {
    const at = await copy();
    await remove("datacard.json", "datacard.md", "README.md")(at);
    expect((await repair(at)).code).toBe(0);
    expect(JSON.parse(await readFile(join(at, "datacard.json"), "utf8"))).toMatchObject({
      lists: null,
      settings: null,
      kept: small.samples.length,
    });
    expect((await verify(at)).code).toBe(0);
  });
});

describe("pairloom shards inspect", () => {
  it("writes a page that loads nothing, and a sheet of the same samples", async () => {
    const out = join(root, "look");
    const { code, result } = await shards<{
      samples: number;
      chosen: { key: string; text: string }[];
      page: string;
      sheet: string;
      undecodable: string[];
    }>("inspect", intact, "--samples", "14", "--seed", "3", "--out", out);
    expect(code).toBe(0);
    expect(result).toMatchObject({ samples: small.samples.length, undecodable: [] });
    expect(result.chosen).toHaveLength(14);
    const html = await readFile(result.page, "utf8");
    expect(html).not.toMatch(/<script|<link|src="(?!data:)|url\(|@import/i);
    expect(html.match(/<figure>/g)).toHaveLength(14);
    for (const { key } of result.chosen) expect(html).toContain(key);
    const sheet = sharp(result.sheet);
    expect(await sheet.metadata()).toMatchObject({ format: "png", width: 16 + 6 * 240 });
    // The pictures are on it: the first one's colours are not those of an empty tile.
    const tile = await sharp(
      await sheet.extract({ left: 16, top: 16, width: 224, height: 224 }).toBuffer(),
    ).stats();
    expect(Math.max(...tile.channels.map(({ stdev }) => stdev))).toBeGreaterThan(20);
    expect(
      (await pairloom(["shards", "inspect", intact, "--out", out])).code,
      "nothing is written over",
    ).toBe(1);
  });

  it("looks into one tar, and says what can't be decoded", async () => {
    const at = await copy();
    await repack("00003.tar", withMember("000030001.jpg", broken))(at);
    const out = join(root, "one");
    const { code, result, stderr } = await shards<{ ofShards: number; undecodable: string[] }>(
      "inspect",
      join(at, "00003.tar"),
      "--out",
      out,
    );
    expect(code).toBe(0);
    expect(result).toMatchObject({ ofShards: 1, undecodable: ["000030001"] });
    expect(stderr).toContain("000030001");
    expect(await readFile(join(out, "index.html"), "utf8")).toContain("it can't be decoded");
  });
});

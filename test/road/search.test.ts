import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packTar } from "@pairloom/shards";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { lastJson, pairloom, startPairloom } from "./pairloom.js";
import { smallModel } from "./smallModel.js";

interface Said {
  results: { key: string; text: string; score: number; url: string | null }[];
  index: { embeddedNow: number; skipped: number; folder: string };
  truncated: boolean;
  searched: number;
}

const shards = 5;
const perShard = 40;
let folder: string;
let release: string;
let model: string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pairloom-search-"));
  model = await smallModel(folder);
  release = join(folder, "release");
  await mkdir(release);
  for (let shard = 0; shard < shards; shard++) {
    const members = [];
    for (let i = 0; i < perShard; i++) {
      const hue = shard * perShard + i;
      const background = { r: (hue * 53) % 256, g: (hue * 97) % 256, b: (hue * 29) % 256 };
      const image = await sharp({ create: { width: 24, height: 24, channels: 3, background } })
        .png()
        .toBuffer();
      const key = `${String(shard).padStart(5, "0")}${String(i).padStart(4, "0")}`;
      members.push(
        { name: `${key}.png`, data: image },
        { name: `${key}.txt`, data: Buffer.from(`colour ${hue % 60}`) },
      );
      members.push({
        name: `${key}.json`,
        data: Buffer.from(JSON.stringify({ url: `https://a.example/${key}.png` })),
      });
      if (hue === 71) await writeFile(join(folder, "query.png"), image);
    }
    const parts: Buffer[] = [];
    for await (const chunk of packTar(members)) parts.push(chunk);
    await writeFile(join(release, `0000${shard}.tar`), Buffer.concat(parts));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const args = (...more: string[]) => ["search", ...model, "--release", release, "--engine", "wasm", ...more];
async function search(...more: string[]): Promise<Said> {
  const ran = await pairloom(args("--json", ...more));
  expect(ran.code, ran.stderr).toBe(0);
  return lastJson<Said>(ran);
}

/** sha256 of an index's parts, by name. */
async function partsOf(index: string): Promise<Record<string, string>> {
  const names = (await readdir(index).catch(() => [])).filter((name) => name.endsWith(".safetensors")).sort();
  const hashes = names.map(async (name) =>
    createHash("sha256")
      .update(await readFile(join(index, name)))
      .digest("hex"),
  );
  return Object.fromEntries((await Promise.all(hashes)).map((hash, i) => [names[i]!, hash]));
}

it("a release is embedded once; the answers don't depend on how it is stored or who looks", async () => {
  const first = await search("a red circle");
  expect(first).toMatchObject({ searched: 200, truncated: false, index: { embeddedNow: 200, skipped: 0 } });
  expect(first.results).toHaveLength(10);
  const int8 = await search("a red circle", "--store", "int8");
  expect(int8.index.embeddedNow).toBe(0);
  expect(int8.results).toEqual(first.results);
  expect((await search("a red circle", "--approximate")).results).toEqual(first.results);
});

it("a picture finds itself first, and texts told once each", async () => {
  const [self] = (await search("--image", join(folder, "query.png"))).results;
  expect(self).toMatchObject({ key: "000010031", url: "https://a.example/000010031.png" });
  expect(self!.score).toBeGreaterThan(0.999);
  const texts = (await search("--image", join(folder, "query.png"), "--for", "texts", "--count", "60"))
    .results;
  expect(new Set(texts.map(({ text }) => text)).size).toBe(60);
});

it("killed in the middle of embedding, it goes on from what is published and ends with the same bytes", async () => {
  const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
  await search("x", "--index", whole, "--batch-size", "1");
  const child = startPairloom(args("x", "--index", killed, "--batch-size", "1"));
  const ended = new Promise((resolve) => child.on("close", resolve));
  while (Object.keys(await partsOf(killed)).length === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill("SIGKILL");
  await ended;
  const published = Object.keys(await partsOf(killed)).length;
  expect(published).toBeLessThan(shards);
  const said = await search("x", "--index", killed, "--batch-size", "1");
  expect(said.index.embeddedNow).toBe((shards - published) * perShard);
  expect(await partsOf(killed)).toEqual(await partsOf(whole));
});

it("other weights get an index of their own, or are told where it was named", async () => {
  const other = await smallModel(folder, 2);
  const second = await pairloom([
    "search",
    "x",
    ...other,
    "--release",
    release,
    "--engine",
    "wasm",
    "--json",
  ]);
  expect(lastJson<Said>(second).index.embeddedNow).toBe(200);
  const named = [
    "search",
    "x",
    ...other,
    "--release",
    release,
    "--engine",
    "wasm",
    "--index",
    join(folder, "whole"),
  ];
  expect(lastJson(await pairloom([...named, "--json"]))).toMatchObject({ error: { code: "index_differs" } });
});

it("sentences that are empty, long or negative have a clear end", async () => {
  for (const [empty, code] of [
    [["  "], "query_empty"],
    [[], "query_empty"],
    [["x", "--image", join(folder, "query.png")], "query_twofold"],
    [["--image", join(folder, "nowhere.png")], "image_missing"],
    [["--image", join(folder, "model.json")], "query_unreadable"],
  ] as const)
    expect(lastJson(await pairloom(args(...empty, "--json")))).toMatchObject({ error: { code } });
  const long = await pairloom(args("--json", `${"a very long sentence ".repeat(2000)}`));
  expect(lastJson<Said>(long)).toMatchObject({ truncated: true });
  expect(long.stderr).toContain("longer than the 10 tokens");
  const negative = await pairloom(args("--json", "a street without cars"));
  expect(negative.code).toBe(0);
  expect(negative.stderr).toContain("hardly reads");
  expect((await search("--", "-5 degrees")).results).toHaveLength(10);
});

it("results come as a list with pictures where the terminal has them, and as a page", async () => {
  const html = join(folder, "page.html");
  const ran = await pairloom(args("a red circle", "--html", html, "--thumbnails", "blocks", "--count", "3"));
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stdout.match(/▀/g)).toHaveLength(3 * 50);
  expect((await readFile(html, "utf8")).match(/src="data:image\/jpeg/g)).toHaveLength(3);
  const piped = await pairloom(args("a red circle", "--count", "3"), { KITTY_WINDOW_ID: "1" });

  expect(piped.stdout).not.toMatch(/\x1b/);
  expect(piped.stdout.match(/https:\/\/a\.example/g)).toHaveLength(3);
});

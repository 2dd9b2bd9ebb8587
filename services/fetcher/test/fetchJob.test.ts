import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { funnelOf, projectSettings, type Candidate, type ProjectSettings } from "@pairloom/config";
import { decideRelease } from "@pairloom/dedupe";
import { openDecoders, type Decoders } from "@pairloom/image/decoders";
import { openRedis, openRoad, type RedisHandle, type Road } from "@pairloom/queue";
import { readSegmentPlaces, readSegmentRows, writeCandidates } from "@pairloom/shards";
import { publishCandidates } from "@pairloom/sources";
import { openStore, type Store } from "@pairloom/storage";
import { Body, webNo, type Web } from "@pairloom/web";
import sharp from "sharp";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { fetchJob } from "../src/index.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let dir: string;
let redis: RedisHandle;
let store: Store;
let road: Road;
let decoders: Decoders;
let asked: string[];
let tests = 0;

const signal = new AbortController().signal;
const settingsWith = (url: boolean): ProjectSettings =>
  projectSettings.parse({ project: "p", release: { dedupe: { url } } });

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "fetch-job-"));
  redis = await openRedis({ dir });
  decoders = openDecoders({ settings: settingsWith(true).image, processes: 1 });
});
beforeEach(async () => {
  await road?.close();
  const name = `test${tests++}`;
  road = await openRoad(redis, name);
  store = await openStore(join(dir, name));
  asked = [];
});
afterAll(async () => {
  await road.close();
  await redis.close();
  await decoders.close();
  await rm(dir, { recursive: true, force: true });
});

/** Pictures at every address but /none. */
const web: Pick<Web, "getImage"> = {
  async getImage(url) {
    asked.push(url);
    if (url.includes("none")) return webNo("http_404", "HTTP 404", { httpStatus: 404, finalUrl: url });
    const background = { r: url.charCodeAt("http://a.test/".length) * 2, g: 9, b: 200 };
    const picture = await sharp({ create: { width: 40, height: 30, channels: 3, background } })
      .png()
      .toBuffer();
    return {
      status: "ok",
      body: Body.of(picture),
      finalUrl: url,
      httpStatus: 200,
      headers: {},
      contentType: "image/png",
      charset: null,
      optOuts: [],
    };
  },
};

const candidate = (name: string, more: Partial<Candidate> = {}): Candidate => ({
  imageUrl: `http://a.test/${name}.png`,
  texts: [{ kind: "alt", text: `a picture of ${name}` }],
  pageUrl: "http://a.test/page",
  query: null,
  source: "site",
  licence: null,
  language: null,
  optOuts: [],
  ...more,
});

async function fetched(urlLayer: boolean, id: string, from: number, to: number) {
  const context = { road, store, settings: settingsWith(urlLayer), web: web as Web, decoders };
  const job = { id: `f-${id.replace(".", "-")}-${from}`, data: { candidates: id, from, to }, signal };
  await fetchJob(context, job);
  await fetchJob(context, job); // a second run of a job changes nothing
  return readSegmentRows(store, job.id);
}

const fates = (rows: { imageUrl: string; reason: string | null }[]) =>
  rows.map(({ imageUrl, reason }) => `${imageUrl.slice(14, -4)} ${reason ?? "fetched"}`);

describe.each([true, false])("with release.dedupe.url: %s", (urlLayer) => {
  it("equal candidates in one chunk are one row, asked for once, and each is counted", async () => {
    const list = [
      candidate("x"),
      candidate("y"),
      candidate("x"),
      candidate("none"),
      candidate("x"),
      candidate("none"),
    ];
    await writeCandidates(store, "c", list);
    const rows = await fetched(urlLayer, "c", 0, list.length);
    expect(fates(rows)).toEqual(["x fetched", "y fetched", "none http_404"]);
    expect(asked.sort()).toEqual(["none", "x", "y"].map((name) => `http://a.test/${name}.png`));
    expect((await readSegmentPlaces(store, "f-c-0")).places.size).toBe(2);
    const funnel = funnelOf(await road.readFunnel());
    expect(funnel).toMatchObject({ seen: 6, fetched: 2, refused: { http_404: 1 } });
    expect(funnel.duplicates.url).toBe(3);
  });

  it("candidates that differ in one text alone keep a row each", async () => {
    const other = candidate("x", { texts: [{ kind: "alt", text: "something else" }] });
    await writeCandidates(store, "c", [candidate("x"), other]);
    const rows = await fetched(urlLayer, "c", 0, 2);
    expect(fates(rows)).toEqual(["x fetched", urlLayer ? "x duplicate_url" : "x fetched"]);
    expect(new Set(rows.map(({ candidateId }) => candidateId)).size).toBe(2);
  });

  it("equal candidates in two chunks, or of two jobs, are one in the release, with every text", async () => {
    const other = candidate("x", { texts: [{ kind: "title", text: "in the evening light" }] });
    await writeCandidates(store, "c", [candidate("x"), other, candidate("y"), candidate("x")]);
    await writeCandidates(store, "d", [candidate("x")]);
    const segments = [
      await fetched(urlLayer, "c", 0, 2),
      await fetched(urlLayer, "c", 2, 4),
      await fetched(urlLayer, "d", 0, 1),
    ];
    expect(segments.map((rows) => rows.length)).toEqual([2, 2, 1]);
    const all = segments.flatMap((rows, at) => rows.map((row) => ({ row, segment: `s${at}` })));
    const { samples, rejected, counts } = await decideRelease(all, [], settingsWith(urlLayer).release);
    const kept = [];
    for await (const sample of samples) kept.push(sample);
    const doubles = [];
    for await (const row of rejected) doubles.push(row.reason);
    expect(counts).toMatchObject({ candidates: 3, kept: 2 });
    expect(doubles).toEqual([urlLayer ? "duplicate_url" : "duplicate_bytes"]);
    const texts = kept.flatMap((sample) => sample.texts.map(({ text }) => text)).sort();
    expect(texts).toEqual(["a picture of x", "a picture of y", "in the evening light"]);
  });
});

it("a job's file holds each candidate once", async () => {
  const list = [candidate("x"), candidate("x"), candidate("y"), candidate("x", { query: "boats" })];
  const file = await publishCandidates(store, "x-1", list);
  expect(file.count).toBe(3);
  const rows = await fetched(false, file.id!, 0, 3);
  expect(fates(rows)).toEqual(["x fetched", "y fetched", "x fetched"]);
});

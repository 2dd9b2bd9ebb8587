import { readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { listSegments, readSegmentRows, segmentFile } from "@pairloom/shards";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { findUnfinished } from "../src/mend/findUnfinished.js";
import { mendProject } from "../src/mend/mendProject.js";
import { namesOf } from "../src/mend/mending.js";
import { putBackOrphans } from "../src/mend/putBackOrphans.js";
import { type SmallCrawl, startCrawls } from "./smallCrawl.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let crawls: Awaited<ReturnType<typeof startCrawls>>;
let calm: { funnel: Record<string, number>; pictures: string[]; release: Record<string, string> };
let crawl: SmallCrawl;

beforeAll(async () => {
  crawls = await startCrawls();
  const undisturbed = await crawls.start();
  await undisturbed.seed();
  await undisturbed.run();
  calm = await outcomeOf(undisturbed);
  await undisturbed.end();
});
beforeEach(async () => {
  crawl = await crawls.start();
  await crawl.seed();
});
afterEach(() => crawl.end());
afterAll(() => crawls.end());

/** What a crawl amounts to, whatever the order in which it came. */
async function outcomeOf(of: SmallCrawl): Promise<typeof calm> {
  const funnel = await of.road.readFunnel();
  const pictures: string[] = [];
  for await (const segment of listSegments(of.store))
    for (const row of await readSegmentRows(of.store, segment))
      if (row.reason === null) pictures.push(row.canonicalUrl);
  await of.ask("outcome");
  await of.run();
  const release: Record<string, string> = {};
  for await (const name of namesOf(of.store, "releases/outcome/"))
    release[name] = (await of.store.get(name)).toString("base64");
  return { funnel, pictures: pictures.sort(), release };
}

const all = async (prefix: string) => {
  const names: string[] = [];
  for await (const name of namesOf(crawl.store, prefix)) names.push(name);
  return names;
};
const first = async (prefix: string) => (await all(prefix))[0] ?? "";
const path = (name: string) => join(crawl.dir, name);
const mend = () => mendProject(crawl);

/** Mends, goes on to the end, and finds what the undisturbed crawl had. */
async function expectWhole() {
  const mended = await mend();
  await crawl.run();
  expect(await findUnfinished(crawl.store, crawl.settings)).toBeNull();
  expect(await outcomeOf(crawl)).toEqual(calm);
  return mended;
}

describe("mending a project", () => {
  it("goes on to the undisturbed outcome from any moment at which Redis lost its data", async () => {
    let losses = 0;
    for (let jobs = 1; ; jobs += 6, losses++) {
      await crawl.end();
      crawl = await crawls.start();
      await crawl.seed();
      let left = jobs;
      const ran = await crawl.run(() => left-- === 0);
      await crawl.flush();
      await expect(crawl.reopen()).rejects.toMatchObject({ code: "redis_forgot" });
      await crawl.reopen({}, true);
      await expectWhole();
      if (ran < jobs) break;
    }
    expect(losses).toBeGreaterThan(4);
  });

  it("changes nothing where nothing is missing, however often", async () => {
    await crawl.run();
    for (let times = 0; times < 2; times++) {
      const { jobs, setAside, lost } = await mend();
      expect(Object.values(jobs)).toEqual([0, 0, 0, 0, 0, 0]);
      expect([...setAside, ...lost]).toEqual([]);
      expect(await crawl.run()).toBe(0);
    }
    expect(await outcomeOf(crawl)).toEqual(calm);
  });

  it("fetches what a deleted segment held, and nothing else", async () => {
    await crawl.run();
    const segments = (await all("segments/")).filter((name) => name.endsWith(".parquet"));
    for (const segment of segments.slice(0, 4)) {
      const rows = await readSegmentRows(crawl.store, segment.slice("segments/".length, -".parquet".length));
      crawl.asked.clear();
      await rm(path(segment));
      expect(await findUnfinished(crawl.store, crawl.settings)).toBe(segment);
      expect((await mend()).jobs).toMatchObject({ expand: 0, crawl: 0, fetch: 1, dedupe: 0 });
      await crawl.run();
      const fetched = rows.filter(({ reason }) => reason === null).map(({ imageUrl }) => imageUrl);
      expect([...crawl.asked.keys()].sort()).toEqual(fetched.sort());
    }
    expect(await outcomeOf(crawl)).toEqual(calm);
  });

  it("names damaged files, sets them aside, and runs their jobs again", async () => {
    await crawl.run();
    const kinds = ["segments/", "verdicts/", "candidates/", "crawls/", "expansions/", "frontier/"];
    for (const kind of kinds)
      for (const damage of [flipBit, cutOff]) {
        const file = await first(kind);
        await damage(path(file));
        const { setAside } = await mend();
        expect(
          setAside.map((aside) => aside.file),
          `${damage.name} ${file}`,
        ).toContain(file);
        await crawl.run();
      }
    expect(await all("damaged/")).not.toEqual([]);
    const { jobs, setAside } = await expectWhole();
    expect(Object.values(jobs)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(setAside).toEqual([]);
  });

  it("makes every file again that was deleted, as long as what it came from is there", async () => {
    await crawl.run();
    await rm(path(await first("expansions/")));
    await rm(path(await first("crawls/")));
    await rm(path((await all("crawls/")).at(-1) ?? ""));
    await rm(path(await first("frontier/")));
    await rm(path((await all("frontier/")).at(-1) ?? ""));
    await rm(path((await all("verdicts/")).at(-1) ?? ""));
    const file = await first("candidates/");
    await rm(path(file));
    const job = /candidates\/([^.]+)\./.exec(file)?.[1] ?? "";
    for (const name of await all(`segments/f-${job}-`)) await rm(path(name));
    await crawl.flush();
    await crawl.reopen({}, true);
    await expectWhole();
  });

  it("makes candidates again whose report is the only one to name their pages", async () => {
    await crawl.run();
    const file = await first("candidates/x-").then((found) => found || first("candidates/c-"));
    const job = /candidates\/([^.]+)\./.exec(file)?.[1] ?? "";
    await rm(path(file));
    for (const name of await all(`segments/f-${job}-`)) await rm(path(name));
    for (const name of await all("frontier/")) await rm(path(name));
    const { lost } = await mend();
    expect(lost).toEqual([]);
    await crawl.run();
    const { pictures, release } = await outcomeOf(crawl);
    expect(pictures).toEqual(calm.pictures);
    expect(release).toEqual(calm.release);
  });

  it("may change the sizes of chunks: what is done stays done", async () => {
    await crawl.run();
    await rm(path(await first("segments/")));
    await rm(path(await first("expansions/")));
    await crawl.reopen({ fetchChunk: 2, expandChunk: 1, crawlChunk: 5 });
    const { jobs } = await expectWhole();
    expect(jobs.fetch).toBeGreaterThan(0);
    expect(jobs.expand).toBe(2);
  });

  it("keeps rows where a page says something else now, and fetches what it says new", async () => {
    await crawl.run();
    for (const report of await all("crawls/")) await rm(path(report));
    crawl.web.set("http://pages.test/3", '<img src="http://img.test/new.png" alt="A picture of news">');
    await mend();
    await crawl.run();
    const { pictures } = await outcomeOf(crawl);
    expect(pictures).toEqual([...calm.pictures, "http://img.test/new.png"].sort());
  });

  it("fetches a picture that other pages name too where the page that it was fetched for is gone", async () => {
    await crawl.run();
    const logo = "http://img.test/the-logo.png";
    for await (const segment of listSegments(crawl.store)) {
      const rows = await readSegmentRows(crawl.store, segment);
      if (!rows.some((row) => row.imageUrl === logo && row.reason === null)) continue;
      await rm(path(segmentFile(segment)));
      const job = /^f-(.+)-\d+$/.exec(segment)?.[1] ?? "";
      await rm(path(await first(`candidates/${job}.`)));
      for (const { pageUrl } of rows) crawl.web.delete(pageUrl ?? "");
    }
    await mend();
    await crawl.run();
    expect(await putBackOrphans(crawl)).toBeGreaterThan(0);
    await crawl.run();
    expect(await putBackOrphans(crawl)).toBe(0);
    expect((await outcomeOf(crawl)).pictures.filter((url) => url === logo)).toEqual([logo]);
  });

  it("says what can't be rebuilt, and what to do", async () => {
    let left = 3;
    await crawl.run(() => left-- === 0);
    const list = await first("queries/");
    await flipBit(path(list));
    for (const name of await all("frontier/site-")) await rm(path(name));
    const { lost, setAside } = await mend();
    expect(setAside.map(({ file }) => file)).toEqual([list]);
    expect(lost.join("\n")).toContain(list);
    expect(lost.join("\n")).toMatch(/seed the same list again/);
    expect(lost.join("\n")).toMatch(/pairloom seed --site http:\/\/site\.test\/site\//);
    await crawl.run();
    await crawl.seed();
    await crawl.run();
    expect(await outcomeOf(crawl)).toEqual(calm);
  });

  it("lets a release wait for the segments that it is made from", async () => {
    await crawl.run();
    await crawl.ask("outcome");
    await rm(path((await all("segments/f-")).find((name) => name.endsWith(".parquet")) ?? ""));
    const { jobs } = await mend();
    expect(jobs).toMatchObject({ fetch: 1, release: 1 });
    await crawl.run();
    expect(await outcomeOf(crawl)).toEqual(calm);
  });

  it("puts back what a release still lacks, and leaves whole ones alone", async () => {
    await crawl.run();
    await crawl.ask("outcome");
    await crawl.run();
    await rm(path("releases/outcome/sizes.json"));
    await rm(path("releases/outcome/00000.parquet"));
    await mend();
    await crawl.run();
    expect(await outcomeOf(crawl)).toEqual(calm);
    expect((await mend()).jobs.release).toBe(0);
  });
});

describe("a Redis that comes back with an older state", () => {
  it("runs again what it has forgotten to have run, to the same release", async () => {
    let left = 9;
    await crawl.run(() => left-- === 0);
    const goBack = await crawl.snapshot();
    await crawl.run();
    await goBack();
    await crawl.reopen();
    await crawl.run();
    expect(await findUnfinished(crawl.store, crawl.settings)).toBeNull();
    const { pictures, release } = await outcomeOf(crawl);
    expect([...new Set(pictures)]).toEqual(calm.pictures);
    expect(release).toEqual(calm.release);
  });

  it("and doesn't know of a list that was seeded since: the empty queues are not taken for the end", async () => {
    await crawl.end();
    crawl = await crawls.start();
    const goBack = await crawl.snapshot();
    await crawl.seed();
    await goBack();
    await crawl.reopen();
    expect(await crawl.run()).toBe(0);
    expect(await findUnfinished(crawl.store, crawl.settings)).toContain("queries/");
    await expectWhole();
  });
});

async function flipBit(file: string): Promise<void> {
  const bytes = await readFile(file);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 16;
  await writeFile(file, bytes);
}

const cutOff = async (file: string) => truncate(file, (await readFile(file)).length - 5);

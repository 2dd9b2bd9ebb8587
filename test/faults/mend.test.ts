import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openRedis } from "@pairloom/queue";
import { startDemoWeb, type DemoWeb } from "@pairloom/sources";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lastJson, pairloom, startPairloom, type Ran } from "../road/pairloom.js";
import { seededRandom } from "./crawlSettings.js";
import { killSeed } from "./killCount.js";
import { copyOf, funnelOf, releaseOf, type ReleaseFiles, seedCrawl } from "./undisturbedCrawl.js";

const seed = killSeed(11);

interface MendedJson {
  mended: {
    jobs: Record<string, number>;
    setAside: { file: string; place: string }[];
    lost: string[];
  };
}

/** One web, one undisturbed crawl and its release for all: each test damages a copy of the crawl, or a crawl on its way. */
describe("up --mend", () => {
  let web: DemoWeb;
  let folder: string;
  let calm: string;
  let truth: ReleaseFiles;
  let funnel: Record<string, unknown>;
  const random = seededRandom(seed);

  beforeAll(async () => {
    console.log(`seed ${seed}`);
    folder = await mkdtemp(join(tmpdir(), "pairloom-mend-"));
    web = await startDemoWeb({ seed: 3, scale: 0.15 });
    calm = join(folder, "calm");
    await seedCrawl(calm, web);
    const ran = await pairloom(["up", "--dir", calm, "--until-idle", "--no-dashboard", "--json"]);
    expect(ran.code, ran.stderr).toBe(0);
    funnel = await funnelOf(calm);
    truth = await releaseOf(await copyOf(calm, join(folder, "released")));
    expect(truth.counts.kept).toBeGreaterThan(20);
  });
  afterAll(async () => {
    await web?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const up = (dir: string, ...more: string[]) =>
    pairloom(["up", "--dir", dir, "--until-idle", "--no-dashboard", "--json", ...more]);

  /** A file of the project's, by chance. */
  async function pick(dir: string, kind: string, fits: RegExp): Promise<string> {
    const names = (await readdir(join(dir, kind))).filter((name) => fits.test(name)).sort();
    expect(names.length, `${kind} ${String(fits)}`).toBeGreaterThan(0);
    return `${kind}/${names[Math.floor(random() * names.length)] ?? ""}`;
  }

  async function expectMended(dir: string, ran: Ran): Promise<MendedJson["mended"]> {
    expect(ran.code, ran.stderr + ran.stdout).toBe(0);
    // Which rows double others in the verdicts on the way is chance; every row is counted once all the same.
    const { queries, seen, refused, pages } = await funnelOf(dir);
    expect({ queries, seen, refused, pages }).toEqual({
      queries: funnel["queries"],
      seen: funnel["seen"],
      refused: funnel["refused"],
      pages: funnel["pages"],
    });
    const released = await releaseOf(dir);
    expect(released.counts).toEqual(truth.counts);
    expect(released.files).toEqual(truth.files);
    return lastJson<MendedJson>(ran).mended;
  }

  it("after FLUSHALL in the middle of a crawl everything stops with redis_forgot, and goes on to the undisturbed release", async () => {
    const dir = join(folder, "flushed");
    await seedCrawl(dir, web);
    const running = up(dir);
    const wanted = 1 + Math.floor(random() * 8);
    await until(async () => (await readdir(join(dir, "segments")).catch(() => [])).length >= wanted);
    await flush(dir);
    const stopped = await running;
    expect(stopped.code, stopped.stderr).toBe(1);
    expect(lastJson<{ error: { code: string } }>(stopped).error.code).toBe("redis_forgot");
    expect(stopped.stderr).toContain(`pairloom up --dir ${dir} --mend`);
    for (const args of [
      ["up", "--until-idle", "--no-dashboard"],
      ["status"],
      ["release"],
      ["jobs", "list"],
    ]) {
      const ran = await pairloom([...args, "--dir", dir, "--json"]);
      expect(ran.code, args.join(" ")).toBe(1);
      expect(lastJson<{ error: { code: string } }>(ran).error.code).toBe("redis_forgot");
    }
    await expectMended(dir, await up(dir, "--mend"));
  });

  it("a deleted segment alone is fetched again", async () => {
    const dir = await copyOf(calm, join(folder, "segment"));
    const segment = await pick(dir, "segments", /\.parquet$/);
    await rm(join(dir, segment));
    const { jobs, setAside } = await expectMended(dir, await up(dir, "--mend"));
    expect(jobs).toMatchObject({ expand: 0, crawl: 0, fetch: 1, dedupe: 0 });
    expect(setAside.map(({ file }) => file)).toEqual([segment.replace("segments/", "verdicts/")]);
    // And a project in which nothing is missing stays as it is.
    const again = await expectMended(dir, await up(dir, "--mend"));
    expect(again.setAside).toEqual([]);
    expect(Object.values(again.jobs).every((n) => n === 0)).toBe(true);
  });

  it("damaged files are named and set aside, deleted ones are made again, with an empty Redis too", async () => {
    const dir = await copyOf(calm, join(folder, "damaged"));
    const parquet = await pick(dir, "segments", /\.parquet$/);
    await truncate(join(dir, parquet), 1000);
    const tar = await pick(dir, "segments", /\.tar$/);
    await flipBit(join(dir, tar));
    const verdicts = await pick(dir, "verdicts", /./);
    await flipBit(join(dir, verdicts));
    const crawl = await pick(dir, "crawls", /./);
    await truncate(join(dir, crawl), 40);
    await rm(join(dir, await pick(dir, "expansions", /./)));
    await rm(join(dir, await pick(dir, "frontier", /./)));
    await flush(dir);
    const { setAside } = await expectMended(dir, await up(dir, "--mend"));
    const files = setAside.map(({ file }) => file);
    expect(files).toEqual(expect.arrayContaining([parquet, tar, crawl]));
    expect(files).toContain(verdicts);
    for (const { place } of setAside) expect((await readFile(join(dir, place))).length).toBeGreaterThan(0);
  });

  it("a deleted candidates file whose rows are gone too is made again; kill -9 while mending changes nothing", async () => {
    const dir = await copyOf(calm, join(folder, "candidates"));
    const candidates = await pick(dir, "candidates", /^c-/);
    const job = /candidates\/([^.]+)\./.exec(candidates)?.[1] ?? "";
    await rm(join(dir, candidates));
    for (const name of await readdir(join(dir, "segments")))
      if (name.startsWith(`f-${job}-`)) await rm(join(dir, "segments", name));
    for (let kills = 0; kills < 3; kills++) {
      const child = startPairloom(["up", "--dir", dir, "--until-idle", "--no-dashboard", "--mend"]);
      const ended = new Promise((resolve) => child.on("close", resolve));
      await sleep(600 + random() * 1500);
      child.kill("SIGKILL");
      await ended;
    }
    const { lost } = await expectMended(dir, await up(dir, "--mend"));
    expect(lost).toEqual([]);
  });
});

async function flush(dir: string): Promise<void> {
  const redis = await openRedis({ dir });
  await redis.connect().flushall();
  await redis.close();
}

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  await writeFile(path, bytes);
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await sleep(50);
}

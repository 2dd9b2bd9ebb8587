import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ProjectSettings, projectSettings } from "@pairloom/config";
import type { Decoders } from "@pairloom/image/decoders";
import { openRedis, openRoad, queueNames, type RedisHandle, type Road } from "@pairloom/queue";
import { crawlJob } from "@pairloom/service-crawler";
import { dedupeJob, rebuildDeduper } from "@pairloom/service-deduper";
import { expandJob } from "@pairloom/service-expander";
import { fetchJob } from "@pairloom/service-fetcher";
import { makeRequest, shardJob, submitRequest } from "@pairloom/service-sharder";
import { openStore, type Store } from "@pairloom/storage";
import { Body, webNo, type Web } from "@pairloom/web";
import { seedQueries, seedSite } from "../src/project/seedProject.js";
import { storeEpochs } from "../src/project/storeEpochs.js";

/** A web in memory: what stands under an address; nothing is 404. */
export type SmallWeb = Map<string, string>;

const queries = Array.from({ length: 9 }, (_, at) => `query ${at}`);

/**
 * A search that names two pages a query (neighbours share one), pages with two pictures each (a logo on all of them), and
 * a site of five pages that link to each other.
 */
export function smallWeb(): SmallWeb {
  const web: SmallWeb = new Map();
  const image = (name: string) => `<img src="http://img.test/${name}.png" alt="A picture of ${name}">`;
  for (const [at, query] of queries.entries()) {
    const pages = [at, at + 1].map((page) => ({ type: "page", url: `http://pages.test/${page}` }));
    web.set(`http://search.test/?q=${encodeURIComponent(query)}`, JSON.stringify({ results: pages }));
  }
  for (let page = 0; page <= queries.length; page++)
    web.set(`http://pages.test/${page}`, image(`of page ${page}`.replaceAll(" ", "-")) + image("the-logo"));
  for (let page = 0; page < 5; page++) {
    const links = [0, 1, 2, 3, 4].map((to) => `<a href="/site/${to}">page ${to}</a>`).join("");
    web.set(`http://site.test/site/${page}`, links + image(`site-${page}`));
  }
  web.set("http://site.test/site/", web.get("http://site.test/site/0") ?? "");
  return web;
}

export interface SmallCrawl {
  dir: string;
  road: Road;
  store: Store;
  settings: ProjectSettings;
  web: SmallWeb;
  /** How often each address was asked for. */
  asked: Map<string, number>;
  /** Seeds the queries and the site. */
  seed(): Promise<void>;
  /** Runs jobs until every queue is empty, or until `stop` says so. @returns how many were run */
  run(stop?: () => boolean): Promise<number>;
  /** All of the project's keys, gone. */
  flush(): Promise<void>;
  /** Remembers all of the project's keys. @returns what puts Redis back to that state */
  snapshot(): Promise<() => Promise<void>>;
  reopen(changes?: Partial<ProjectSettings>, evenForgotten?: boolean): Promise<void>;
  /** Asks for a release. */
  ask(name: string): Promise<void>;
  end(): Promise<void>;
}

let projects = 0;

export async function startSmallCrawl(redis: RedisHandle, parent: string): Promise<SmallCrawl> {
  const name = `p${projects++}`;
  const dir = join(parent, name);
  const store = await openStore(dir);
  const given = projectSettings.parse({
    project: name,
    sources: [
      { kind: "search", name: "search", url: "http://search.test/?q={query}" },
      { kind: "site", name: "site", url: "http://site.test/site/", useSitemaps: false },
    ],
    expandChunk: 2,
    crawlChunk: 2,
    fetchChunk: 3,
  });
  const asked = new Map<string, number>();
  const crawl = {
    dir,
    store,
    settings: given,
    web: smallWeb(),
    asked,
  } as SmallCrawl;
  crawl.reopen = async (changes = {}, evenForgotten = false) => {
    await (crawl.road as Road | undefined)?.close();
    crawl.settings = { ...crawl.settings, ...changes };
    const epochs = storeEpochs(store, dir);
    crawl.road = await openRoad(redis, name, { tuning: { attempts: 1 }, epochs, evenForgotten });
  };
  crawl.seed = async () => {
    await seedQueries(crawl, queries);
    if (crawl.settings.sources.some(({ kind }) => kind === "site")) await seedSite(crawl, "site", []);
  };
  crawl.run = (stop = () => false) => runJobs(crawl, stop);
  crawl.flush = async () => {
    const connection = redis.connect();
    const keys = await connection.keys(`${crawl.road.prefix}:*`);
    if (keys.length > 0) await connection.unlink(...keys);
    connection.disconnect();
  };
  crawl.snapshot = async () => {
    const connection = redis.connect();
    const state: [string, number, Buffer][] = [];
    for (const key of await connection.keys(`${crawl.road.prefix}:*`)) {
      const dump = await connection.dumpBuffer(key);
      state.push([key, Math.max(0, await connection.pttl(key)), dump]);
    }
    return async () => {
      await crawl.flush();
      for (const [key, ttl, dump] of state) await connection.restore(key, ttl, dump);
      connection.disconnect();
    };
  };
  crawl.ask = async (release) => {
    const { release: settings } = crawl.settings;
    const request = await makeRequest(store, { name: release, settings, side: "train", lists: [] });
    await submitRequest(crawl.road, store, request);
  };
  crawl.end = () => crawl.road.close();
  await crawl.reopen();
  return crawl;
}

async function runJobs(crawl: SmallCrawl, stop: () => boolean): Promise<number> {
  const { road, store, settings } = crawl;
  const web = memoryWeb(crawl);
  const get = async (url: string) => {
    const answer = await web.getText(url);
    return answer.status === "ok" ? { ...answer, body: answer.body.whole() } : answer;
  };
  const { signal } = new AbortController();
  const deduper = await rebuildDeduper(store, settings);
  for (let jobs = 0; ; jobs++) {
    const queue = await firstBusy(road);
    if (queue === null || stop()) return jobs;
    const [job] = await road.queues[queue].getJobs(["waiting"], 0, 0, true);
    if (job === undefined) throw new Error(`${queue} holds a job that doesn't wait`);
    const run = { id: job.id!, data: job.data as never, signal, progress: async () => undefined };
    if (queue === "expander") await expandJob({ road, store, settings, get }, run);
    else if (queue === "crawler") await crawlJob({ road, store, settings, web }, run);
    else if (queue === "fetcher") await fetchJob({ road, store, settings, web, decoders }, run);
    else if (queue === "deduper") await dedupeJob({ road, store, deduper }, run);
    else if (queue === "sharder") await shardJob({ road, store }, run);
    else return jobs; // nobody trains here
    await job.remove();
  }
}

async function firstBusy(road: Road) {
  const counts = await road.counts();
  return queueNames.find((name) => counts[name].waiting > 0) ?? null;
}

function memoryWeb({ web, asked }: SmallCrawl): Web {
  const answer = async (url: string) => {
    asked.set(url, (asked.get(url) ?? 0) + 1);
    const found = web.get(url) ?? (url.endsWith(".png") ? `the bytes of ${url}` : undefined);
    if (found === undefined) return webNo("http_404", "HTTP 404", { httpStatus: 404, finalUrl: url });
    const body = Body.of(Buffer.from(found));
    const contentType = "text/html";
    return {
      status: "ok" as const,
      body,
      finalUrl: url,
      httpStatus: 200,
      headers: {},
      contentType,
      charset: null,
      optOuts: [],
    };
  };
  return { getPage: answer, getText: answer, getImage: answer } as unknown as Web;
}

/** Pictures are their bytes: no two of them look alike. */
const decoders = {
  picturesAtOnce: 1,
  pids: () => [],
  close: async () => undefined,
  process: async (picture: Buffer | readonly Buffer[]) => {
    const bytes = Buffer.isBuffer(picture) ? picture : Buffer.concat([...picture]);
    const size = { width: 8, height: 8, originalWidth: 8, originalHeight: 8 };
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const facts = { originalFormat: "png" as const, exif: null, sha256, pdq: null, pdqQuality: null };
    return { status: "ok" as const, bytes, ...size, ...facts };
  },
} satisfies Decoders;

/** A folder with a Redis, for the crawls of one test file. */
export async function startCrawls() {
  const parent = await mkdtemp(join(tmpdir(), "pairloom-crawl-"));
  const redis = await openRedis({ dir: parent });
  return {
    start: () => startSmallCrawl(redis, parent),
    end: async () => {
      await redis.close();
      await rm(parent, { recursive: true, force: true });
    },
  };
}

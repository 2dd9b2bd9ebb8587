import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { candidateSchema, projectSettings, type Candidate } from "@pairloom/config";
import { openRedis, openRoad, type RedisHandle, type Road } from "@pairloom/queue";
import { addFrontierJobs, siteSource } from "@pairloom/sources";
import { openStore, readLines, type Store } from "@pairloom/storage";
import { Body, canonicalPageUrl, webNo, type Web } from "@pairloom/web";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { crawlJob } from "../src/index.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const origin = "http://shop.test";
let dir: string;
let redis: RedisHandle;
let store: Store;
let road: Road;
let tests = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "crawl-job-"));
  redis = await openRedis({ dir });
});
beforeEach(async () => {
  await road?.close();
  const name = `test${tests++}`;
  road = await openRoad(redis, name);
  store = await openStore(join(dir, name));
});
afterAll(async () => {
  await road.close();
  await redis.close();
  await rm(dir, { recursive: true, force: true });
});

/** What a site answers for a path with its query; null: 404. `n` grows with each page served. */
type Site = (path: string, n: number) => string | null;

/** Crawls a site to the end, each job twice. @returns how often each page was read, by path without parameters */
async function crawl(site: Site, { maxPages = 1000, crawlChunk = 50, start = `${origin}/` } = {}) {
  const read: Record<string, number> = {};
  let served = 0;
  const answer = async (url: string) => {
    const { pathname, search } = new URL(url);
    const html = site(pathname + search, ++served);
    if (html === null) return webNo("http_404", "HTTP 404", { httpStatus: 404, finalUrl: url });
    const path = pathname.replace(/;.*/, "");
    read[path] = (read[path] ?? 0) + 1;
    return {
      status: "ok" as const,
      body: Body.of(Buffer.from(html)),
      finalUrl: url,
      httpStatus: 200,
      headers: {},
      contentType: "text/html",
      charset: null,
      optOuts: [],
    };
  };
  const web = { getPage: answer, getText: answer } as unknown as Web;
  const settings = projectSettings.parse({ project: "p", crawlChunk });
  const source = siteSource({
    kind: "site",
    name: `site:${start}`,
    url: start,
    followLinks: true,
    useSitemaps: false,
    maxPages,
  });
  await addFrontierJobs(
    road,
    store,
    `seed-${new URL(start).host}`,
    source.start([]),
    canonicalPageUrl,
    crawlChunk,
  );
  const { signal } = new AbortController();
  for (let jobs = 0; ; jobs++) {
    const [job] = await road.queues.crawler.getJobs(["waiting"], 0, 0, true);
    if (job === undefined) break;
    if (jobs > 500) throw new Error("the crawl doesn't end");
    const run = { id: job.id!, data: job.data as { frontier: string }, signal };
    await crawlJob({ road, store, settings, web }, run);
    await crawlJob({ road, store, settings, web }, run); // a job that is run again changes nothing
    await job.remove();
  }
  const candidates: Candidate[] = [];
  for await (const { name } of store.list("candidates/"))
    candidates.push(...(await readLines(store, name, (value) => candidateSchema.parse(value))));
  const pages = [...new Set(candidates.map(({ pageUrl }) => pageUrl?.replace(origin, "")))].sort();
  const images = [...new Set(candidates.map(({ imageUrl }) => imageUrl.replace(origin, "")))].sort();
  return { read, pages, images, candidates: candidates.length, funnel: await road.readFunnel() };
}

/** The first file of pages that a job handed on. */
async function frontierOf(job: string): Promise<string> {
  for await (const { name } of store.list(`frontier/${job}-0.`)) return name;
  throw new Error(`${job} handed nothing on`);
}

const drawn = (n: number) => createHash("md5").update(`${n}`).digest("hex");
const six = [0, 1, 2, 3, 4, 5];
const photos = six.map((i) => `/photo${i}.jpg`);

/** A start page and six items that link to each other; `decorate` makes a link's parameters. */
function shop(decorate: (path: string, n: number) => string, hasCanonical = true): Site {
  return (address, n) => {
    const path = address.replace(/[;?].*/, "");
    const item = /^\/item(\d)\.html$/.exec(path)?.[1];
    if (item === undefined && path !== "/") return null;
    const links = six.map((i) => `<a href="${decorate(`/item${i}.html`, n * 10 + i)}">Item ${i}</a>`);
    const canonical =
      hasCanonical && item !== undefined ? `<link rel=canonical href="${origin}${path}">` : "";
    const photo =
      item === undefined ? "" : `<img src="/photo${item}.jpg" alt="A painted box number ${item}">`;
    return `<html><head>${canonical}</head><body>${links.join(" ")}${photo}</body></html>`;
  };
}

const once = { "/": 1, ...Object.fromEntries(six.map((i) => [`/item${i}.html`, 1])) };

describe("a site that gives every link a new session", () => {
  it.each([
    [
      "in the path and twice in the query",
      (path: string, n: number) => `${path};jsessionid=${drawn(n)}?PHPSESSID=${drawn(n)}&amp;sid=${drawn(n)}`,
      false,
    ],
    ["by ASP's names", (path: string, n: number) => `${path}?ASPSESSIONIDABC=${n}`, false],
    [
      "by a name of its own, which rel=canonical leaves out",
      (path: string, n: number) => `${path}?visitor=${drawn(n)}&amp;k=1`,
      true,
    ],
  ])("%s: each page is read once", async (_name, decorate, hasCanonical) => {
    const site = shop(decorate, hasCanonical);
    const { read, images, candidates } = await crawl(site, { maxPages: 60 });
    expect(read).toEqual(once);
    expect(images).toEqual(photos);
    expect(candidates).toBe(6);
  });

  it("by a name of its own, without rel=canonical: what every link of a page carries is idle", async () => {
    const { read, images } = await crawl(
      shop((path, n) => `${path}?visitor=${drawn(n)}`, false),
      { maxPages: 60 },
    );
    expect(read).toEqual(once);
    expect(images).toEqual(photos);
  });

  it("the candidates name the page by its canonical address", async () => {
    const { pages } = await crawl(shop((path, n) => `${path}?visitor=${drawn(n)}`));
    expect(pages).toEqual(six.map((i) => `/item${i}.html`));
  });

  it("numbers that count up are found idle once a page was seen under two of them", async () => {
    const { read, images, pages } = await crawl(shop((path, n) => `${path}?from=${n}`));
    expect(images).toEqual(photos);
    expect(pages.filter((page) => !page?.includes("?"))).toEqual(six.map((i) => `/item${i}.html`));
    for (const times of Object.values(read)) expect(times).toBeLessThanOrEqual(7);
  });

  it("what nothing tells apart from content ends at the page limit", async () => {
    const site = shop((path, n) => `${path}?from=${n}`, false);
    const { read, images } = await crawl(site, { maxPages: 60 });
    expect(images).toEqual(photos);
    expect(Object.values(read).reduce((sum, times) => sum + times)).toBe(61);
  });

  it("each site has a page limit of its own", async () => {
    const site = shop((path, n) => `${path}?from=${n}`, false);
    for (const start of ["http://one.test/", "http://two.test/"]) {
      const { read } = await crawl(site, { maxPages: 10, start });
      expect(Object.values(read).reduce((sum, times) => sum + times)).toBe(11);
    }
  });

  it("addresses that are drawn by lot themselves are pages of their own", async () => {
    const ids = [1, 2, 3, 4].map(drawn);
    const site: Site = (address) => {
      const links = ids.map((id) => `<a href="/photo?id=${id}">photo</a>`).join("");
      const id = /id=(.*)/.exec(address)?.[1];
      return id === undefined
        ? links
        : `${links}<link rel=canonical href="${address}"><img src="/${id}.jpg" alt="A photo">`;
    };
    expect((await crawl(site)).images).toEqual(ids.map((id) => `/${id}.jpg`).sort());
  });

  it("a page that was read under another address is not read again by its own", async () => {
    const site: Site = (address) => {
      if (address === "/") return `<a href="/Alias">one</a> <a href="/b">b</a>`;
      if (address === "/b") return `<a href="/item">the item</a>`;
      return `<link rel=canonical href="/item"><img src=/i.jpg alt="An item">`;
    };
    const { read, pages, candidates } = await crawl(site, { crawlChunk: 1 });
    expect(read).toEqual({ "/": 1, "/Alias": 1, "/b": 1 });
    expect([pages, candidates]).toEqual([["/item"], 1]);
  });
});

describe("what rel=canonical says wrongly costs no page", () => {
  const list =
    (canonical: string): Site =>
    (address) => {
      if (address === "/") return `<a href="/list">the list</a>`;
      const page = Number(/page=(\d+)/.exec(address)?.[1] ?? /\/(\d+)$/.exec(address)?.[1] ?? 1);
      const next = address.startsWith("/list/") ? `/list/${page + 1}` : `/list?page=${page + 1}`;
      const link =
        page < 5 ? `<a href="${next}">next</a> <a href="/list">first</a> <a href="/list/1">1</a>` : "";
      return `<link rel=canonical href="${canonical}">${link}<img src="/p${page}${address.length}.jpg" alt="Photo">`;
    };
  it("a list of which every page names the first", async () => {
    const { images } = await crawl(list("/list"));
    expect(images).toEqual(
      ["/p15.jpg", "/p17.jpg", ...[2, 3, 4, 5].flatMap((n) => [`/p${n}12.jpg`, `/p${n}7.jpg`])].sort(),
    );
  });
  it("a list that shows nothing with a text but the site's logo", async () => {
    const site: Site = (address) => {
      const item = /item(\d+)/.exec(address)?.[1];
      if (item !== undefined) return `<img src="/${item}.jpg" alt="A photo">`;
      const page = Number(/page=(\d+)/.exec(address)?.[1] ?? 1);
      const pages = [1, 2, 3, 4]
        .map((n) => `<a href="/?page=${Math.max(1, page - 2) + n}">${n}</a>`)
        .join("");
      return page > 9
        ? null
        : `<link rel=canonical href="/"><img src=/l.svg alt="The mill">${pages}<a href="/item${page}">x</a>`;
    };
    expect((await crawl(site)).images).toEqual(
      ["/1", "/2", "/3", "/4", "/5", "/6", "/7", "/8", "/9", "/l"].map(
        (name) => `${name}.${name === "/l" ? "svg" : "jpg"}`,
      ),
    );
  });
  it("a site of which every page names the start", async () => {
    const { images } = await crawl(list("/"));
    expect(images).toHaveLength(10);
  });
  it("a canonical address on another site is none of ours", async () => {
    const site: Site = (address) =>
      address === "/"
        ? `<a href="/a">a</a>`
        : `<link rel=canonical href="http://other.test/a"><a href="/b">b</a><img src=/i.jpg alt="An item">`;
    const { read, pages } = await crawl(site);
    expect(read).toEqual({ "/": 1, "/a": 1, "/b": 1 });
    expect(pages).toEqual(["/a", "/b"]);
  });
  it("an index page that names its folder is that folder", async () => {
    const site: Site = (address) =>
      address.startsWith("/docs")
        ? `<link rel=canonical href="/docs/"><a href="/docs/">home</a>`
        : `<a href="/docs/index.html">docs</a>`;
    expect((await crawl(site)).read).toEqual({ "/": 1, "/docs/index.html": 1 });
  });
});

it("a page found by a search keeps the address by which the search knows it", async () => {
  const html = `<link rel=canonical href="/item"><img src=/i.jpg alt="An item">`;
  const getPage = async (url: string) => ({
    status: "ok",
    body: Body.of(Buffer.from(html)),
    finalUrl: url,
    httpStatus: 200,
    headers: {},
    contentType: "text/html",
    charset: null,
    optOuts: [],
  });
  const settings = projectSettings.parse({ project: "p" });
  const pages = ["/x?a=1", "/item"].map((path) => ({
    url: origin + path,
    source: "search",
    scope: null,
    kind: "page" as const,
  }));
  for (const [at, page] of pages.entries()) {
    const [handedOn] = await addFrontierJobs(road, store, `x-${at}`, [page], canonicalPageUrl, 50);
    expect(handedOn).toEqual(page);
    const job = {
      id: `c-${at}`,
      data: { frontier: await frontierOf(`x-${at}`) },
      signal: new AbortController().signal,
    };
    await crawlJob({ road, store, settings, web: { getPage } as unknown as Web }, job);
  }
  const found: (string | null)[] = [];
  for await (const { name } of store.list("candidates/"))
    found.push(...(await readLines(store, name, (value) => candidateSchema.parse(value).pageUrl)));
  expect(found.sort()).toEqual([`${origin}/item`, `${origin}/x?a=1`]);
});

it("equal candidates of a crawl are counted, and what a sitemap leaves out is", async () => {
  const image = `<image:image><image:loc>/i.jpg</image:loc><image:title>A boat</image:title></image:image>`;
  const xml = `<urlset><url><loc>/a</loc>${image}${image}</url><url><loc>http://[</loc></url></urlset>`;
  const getText = async (url: string) => ({
    status: "ok",
    body: Body.of(Buffer.from(xml)),
    finalUrl: url,
    httpStatus: 200,
    headers: {},
  });
  const page = { url: `${origin}/sitemap.xml`, source: "s", scope: null, kind: "sitemap" as const };
  await addFrontierJobs(road, store, "seed", [page], canonicalPageUrl, 50);
  const job = {
    id: "c-1",
    data: { frontier: await frontierOf("seed") },
    signal: new AbortController().signal,
  };
  const settings = projectSettings.parse({ project: "p" });
  await crawlJob({ road, store, settings, web: { getText } as unknown as Web }, job);
  expect(await road.readFunnel()).toMatchObject({
    "crawler.candidates": 1,
    "crawler.skipped.equal": 1,
    "crawler.skipped.url_invalid": 1,
  });
});

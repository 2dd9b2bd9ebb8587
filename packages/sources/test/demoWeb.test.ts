import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { imageFates, type ImageFateName } from "../src/demoWeb/plan/imageFates.js";
import type { PageFateName } from "../src/demoWeb/plan/pageFates.js";
import { type DemoWeb, startDemoWeb } from "../src/demoWeb/startDemoWeb.js";
import { expandQuery } from "../src/expandQuery.js";
import { searchSource } from "../src/search/searchSource.js";
import { parseSitemap } from "../src/site/parseSitemap.js";
import type { Get } from "../src/source.js";

let web: DemoWeb;
beforeAll(async () => {
  web = await startDemoWeb({ seed: 1, scale: 0.03 });
});
afterAll(() => web.close());

interface Outcome {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  /** Error code, or "cut" where the test stopped reading, or "timeout". */
  end: "whole" | "cut" | "timeout" | (string & {});
}

/** One request, redirects not followed, nothing inflated; reads `maxBytes` at most. */
function ask(url: string, { timeoutMs = 700, maxBytes = 300_000 } = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const outcome: Outcome = { status: 0, headers: {}, body: Buffer.alloc(0), end: "timeout" };
    const parts: Buffer[] = [];
    const finish = (end: Outcome["end"]) => {
      clearTimeout(timer);
      asked.destroy();
      resolve({ ...outcome, body: Buffer.concat(parts), end });
    };
    const asked = request(url, { agent: false }, (response) => {
      outcome.status = response.statusCode ?? 0;
      outcome.headers = response.headers;
      let bytes = 0;
      response.on("data", (part: Buffer) => {
        parts.push(part);
        if ((bytes += part.length) > maxBytes) finish("cut");
      });
      response.on("end", () => finish("whole"));
      response.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    });
    const timer = setTimeout(() => finish("timeout"), timeoutMs);
    asked.on("error", (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    asked.end();
  });
}

function routeOf(fate: ImageFateName) {
  const route = web.routes().find((candidate) => candidate.fate === fate);
  if (route === undefined) throw new Error(`no image with fate ${fate}`);
  return route;
}

/** Follows redirects by hand. */
async function follow(url: string): Promise<{ outcome: Outcome; urls: string[] }> {
  const urls = [url];
  for (;;) {
    const outcome = await ask(urls.at(-1) as string, { timeoutMs: 5000 });
    const location = outcome.headers["location"];
    if (outcome.status < 300 || outcome.status > 399 || typeof location !== "string")
      return { outcome, urls };
    const next = new URL(location, urls.at(-1)).href;
    if (urls.includes(next) || !next.startsWith("http://127.0.0.") || urls.length > 30)
      return { outcome, urls: [...urls, next] };
    urls.push(next);
  }
}

const isPicture = async ({ outcome }: { outcome: Outcome }) => {
  expect(outcome.status).toBe(200);
  const { width } = await sharp(outcome.body)
    .stats()
    .then(() => sharp(outcome.body).metadata());
  expect(width).toBeGreaterThanOrEqual(60);
};
const status = (code: number) => (answer: { outcome: Outcome }) => expect(answer.outcome.status).toBe(code);
const hops = (count: number) => async (answer: { outcome: Outcome; urls: string[] }) => {
  expect(answer.urls).toHaveLength(count + 1);
  await isPicture(answer);
};
const leadsTo = (pattern: RegExp) => (answer: { urls: string[] }) =>
  expect(answer.urls.at(-1)).toMatch(pattern);
const header = (name: string, value: string) => async (answer: { outcome: Outcome }) => {
  expect(answer.outcome.headers[name]).toBe(value);
  await isPicture(answer);
};
const silent = { outcome: (outcome: Outcome) => expect(outcome.end).toBe("timeout") };

type Check = (answer: { outcome: Outcome; urls: string[] }) => unknown;

const followed: Partial<Record<ImageFateName, Check>> = {
  good: isPicture,
  slow: isPicture,
  calm: isPicture,
  depot: isPicture,
  redirect_1: hops(1),
  redirect_2: hops(2),
  redirect_3: hops(3),
  redirect_host: async (answer) => {
    await hops(1)(answer);
    expect(new URL(answer.urls[1] as string).hostname).toBe("127.0.0.11");
  },
  double_bytes: isPicture,
  double_reencoded: isPicture,
  double_resized: isPicture,
  placeholder: isPicture,
  uninformative: isPicture,
  robots_path: isPicture,
  robots_pattern: isPicture,
  robots_agent: isPicture,
  robots_error: isPicture,
  noai_header: header("x-robots-tag", "noai"),
  noimageai_header: header("x-robots-tag", "noimageai"),
  tdm_header: header("tdm-reservation", "1"),
  tdm_file: isPicture,
  page_meta_noai: isPicture,
  page_header_noai: isPicture,
  page_tdm_meta: isPicture,
  wrong_type: async (answer) => {
    await isPicture(answer);
    const { format } = await sharp(answer.outcome.body).metadata();
    expect(answer.outcome.headers["content-type"]).not.toBe(`image/${format}`);
  },
  gzip_good: async ({ outcome, urls }) => {
    expect(outcome.headers["content-encoding"]).toBe("gzip");
    await isPicture({ outcome: { ...outcome, body: gunzipSync(outcome.body) } });
    expect(urls).toHaveLength(1);
  },
  truncated: async ({ outcome }) => {
    expect(outcome.end).toBe("whole");
    expect((await sharp(outcome.body).metadata()).format).toBe("jpeg");
    await expect(sharp(outcome.body, { failOn: "truncated" }).raw().toBuffer()).rejects.toThrow();
  },
  garbage: async ({ outcome }) => {
    expect(outcome.body.subarray(0, 3).toString("hex")).toBe("ffd8ff");
    await expect(sharp(outcome.body).raw().toBuffer()).rejects.toThrow();
  },
  html_as_image: ({ outcome }) => {
    expect(outcome.headers["content-type"]).toBe("image/jpeg");
    expect(outcome.body.toString()).toMatch(/^<!doctype html>/);
  },
  empty: ({ outcome }) => {
    expect(outcome.status).toBe(200);
    expect(outcome.body).toHaveLength(0);
  },
  gzip_bomb: ({ outcome }) => {
    expect(outcome.body.length).toBeLessThan(100_000);
    expect(gunzipSync(outcome.body).length).toBeGreaterThan(60_000_000);
  },
  huge_header: async ({ outcome }) => {
    expect(outcome.body.length).toBeLessThan(200);
    const { width, height } = await sharp(outcome.body, { limitInputPixels: false }).metadata();
    expect([width, height]).toEqual([60_000, 60_000]);
  },
  svg_script: ({ outcome }) => {
    expect(outcome.headers["content-type"]).toBe("image/svg+xml");
    expect(outcome.body.toString()).toContain("<script>");
  },
  oversize_declared: ({ outcome }) => {
    expect(Number(outcome.headers["content-length"])).toBeGreaterThan(100_000_000);
    expect(outcome.end).toBe("cut");
  },
  oversize_streamed: ({ outcome }) => {
    expect(outcome.headers["content-length"]).toBeUndefined();
    expect(outcome.end).toBe("cut");
  },
  redirect_loop: ({ urls }) => expect(urls[2]).toBe(urls[0]),
  redirect_many: hops(26),
  redirect_metadata: leadsTo(/^http:\/\/169\.254\.169\.254\//),
  redirect_private: leadsTo(/^http:\/\/10\.0\.0\.1\//),
  redirect_scheme: leadsTo(/^ftp:/),
  reset: ({ outcome }) => expect(outcome.end).toBe("ECONNRESET"),
  short_body: ({ outcome }) => {
    expect(outcome.end).toBe("ECONNRESET");
    expect(outcome.body.length).toBeLessThan(Number(outcome.headers["content-length"]));
  },
  dead_host: ({ outcome }) => expect(outcome.end).toBe("ECONNREFUSED"),
};
for (const fate of Object.keys(imageFates) as ImageFateName[]) {
  const code = /^http_(\d+)$/.exec(fate)?.[1];
  if (code !== undefined) followed[fate] = status(Number(code));
}

describe("an image of the demo web", () => {
  it.each(Object.keys(followed) as ImageFateName[])("%s is served so", async (fate) => {
    await followed[fate]?.(await follow(routeOf(fate).url));
  });

  it("never: gets no answer", async () => {
    const outcome = await ask(routeOf("never").url);
    silent.outcome(outcome);
    expect(outcome.status).toBe(0);
  });

  it("drip: gives a byte now and then and never ends", async () => {
    const outcome = await ask(routeOf("drip").url, { timeoutMs: 1200 });
    silent.outcome(outcome);
    expect(outcome.status).toBe(200);
    expect(outcome.body.length).toBeGreaterThan(20);
    expect(outcome.body.length).toBeLessThan(40);
  });

  it("at a literal private address or port is only named, never served", () => {
    expect(new URL(routeOf("literal_private").url).hostname).toMatch(/^(10\.0\.0\.1|169\.254\.169\.254)$/);
    expect(new URL(routeOf("literal_port").url).port).toBe("22");
  });

  it("has its fate checked here, whatever it is", () => {
    const checked = new Set([...Object.keys(followed), "never", "drip", "literal_private", "literal_port"]);
    expect(Object.keys(imageFates).filter((fate) => !checked.has(fate))).toEqual([]);
  });

  it("on the slow host takes 300 ms", async () => {
    const start = performance.now();
    await ask(routeOf("slow").url, { timeoutMs: 5000 });
    expect(performance.now() - start).toBeGreaterThan(295);
  });

  it("that is an exact double has its original's bytes, and a near double has others", async () => {
    const originals = new Map(
      web
        .routes()
        .filter(({ fate }) => fate === "good")
        .map((route) => [`${route.combination} ${route.index}`, route.url]),
    );
    for (const fate of ["double_bytes", "double_reencoded", "double_resized"] as const) {
      const double = routeOf(fate);
      const original = originals.get(`${double.combination} ${double.index}`);
      if (original === undefined) throw new Error("no original");
      const [one, other] = [
        await ask(double.url, { timeoutMs: 5000 }),
        await ask(original, { timeoutMs: 5000 }),
      ];
      expect(one.body.equals(other.body)).toBe(fate === "double_bytes");
    }
  });

  it("that is lost is one and the same placeholder everywhere", async () => {
    const whole = await startDemoWeb({ seed: 1 });
    try {
      const lost = whole.routes().filter(({ fate }) => fate === "placeholder");
      expect(lost.length).toBeGreaterThanOrEqual(30);
      expect(new Set(lost.map(({ url }) => new URL(url).hostname)).size).toBeGreaterThan(4);
      const bodies = await Promise.all(lost.slice(0, 8).map(({ url }) => ask(url, { timeoutMs: 5000 })));
      expect(new Set(bodies.map(({ body }) => body.toString("base64"))).size).toBe(1);
    } finally {
      await whole.close();
    }
  });

  it("can be had smaller, as srcset lists name it", async () => {
    const { body } = await ask(`${routeOf("good").url}?w=96`, { timeoutMs: 5000 });
    expect((await sharp(body).metadata()).width).toBe(96);
  });
});

describe("a page of the demo web", () => {
  const pages: Record<PageFateName, Check> = {
    good: ({ outcome }) => expect(outcome.body.toString()).toContain("<main>"),
    page_meta_noai: ({ outcome }) => expect(outcome.body.toString()).toContain(`content="noai, noimageai"`),
    page_header_noai: ({ outcome }) => expect(outcome.headers["x-robots-tag"]).toBe("noai, noimageai"),
    page_tdm_meta: ({ outcome }) =>
      expect(outcome.body.toString()).toContain(`name="tdm-reservation" content="1"`),
    page_moved: ({ outcome, urls }) => {
      expect(urls).toHaveLength(2);
      expect(outcome.body.toString()).toContain("<main>");
    },
    page_robots: ({ urls }) => expect(new URL(urls[0] as string).pathname).toMatch(/^\/private\//),
    page_404: status(404),
    page_500: status(500),
    page_reset: ({ outcome }) => expect(outcome.end).toBe("ECONNRESET"),
    page_never: () => undefined,
    page_loop: ({ urls }) => expect(urls[2]).toBe(urls[0]),
    page_private: leadsTo(/^http:\/\/10\.0\.0\.1\//),
  };
  it.each(Object.keys(pages) as PageFateName[])("%s is served so", async (fate) => {
    const route = web.pageRoutes().find((candidate) => candidate.fate === fate);
    if (route === undefined) throw new Error(`no page with fate ${fate}`);
    if (fate === "page_never") silent.outcome(await ask(route.url));
    else await pages[fate](await follow(route.url));
  });
});

describe("the demo web", () => {
  const text = async (url: string) => (await ask(url, { timeoutMs: 5000 })).body.toString();
  const origin = (host: number) => `http://127.0.0.${host}:${web.port}`;
  const get: Get = async (url) => {
    const { status, body } = await ask(url, { timeoutMs: 5000, maxBytes: 1e7 });
    return status === 200
      ? { status: "ok", body, finalUrl: url }
      : { status: "failed", reason: `http_${status}` };
  };

  it("has robots.txt with closed parts, with none, with a delay, and out of order", async () => {
    expect(await text(`${origin(2)}/robots.txt`)).toContain("Disallow: /private/");
    expect((await ask(`${origin(6)}/robots.txt`)).status).toBe(404);
    expect(await text(`${origin(13)}/robots.txt`)).toContain("Crawl-delay: 1");
    expect((await ask(`${origin(14)}/robots.txt`)).status).toBe(500);
    expect(JSON.parse(await text(`${origin(15)}/.well-known/tdmrep.json`))).toEqual([
      { location: "/reserved/", "tdm-reservation": 1 },
    ]);
  });

  it("is found whole by our own search source", async () => {
    const source = searchSource({ kind: "search", name: "demo-search", url: web.searchUrl, pageSize: 5 });
    const limits = { maxCandidates: 1000, signal: new AbortController().signal };
    const { pages, candidates, failures } = await expandQuery(source, "red star", get, limits);
    expect(failures).toEqual([]);
    expect(pages.length + candidates.length).toBeGreaterThan(2);
    const all = await expandQuery(source, "small", get, limits);
    expect(all.pages.length).toBeGreaterThan(20);
    expect(all.candidates.length).toBeGreaterThan(2);
  });

  it("names the pages of a host in its sitemaps, gzipped ones too", async () => {
    const body = Buffer.from(await text(`${origin(2)}/sitemap_index.xml`));
    const index = parseSitemap(body, `${origin(2)}/sitemap_index.xml`, { source: "site" });
    expect(index.sitemaps).toHaveLength(2);
    const maps = await Promise.all(
      index.sitemaps.map(async (url) =>
        parseSitemap((await ask(url, { timeoutMs: 5000 })).body, url, { source: "site" }),
      ),
    );
    const own = web
      .pageRoutes()
      .map(({ url }) => url)
      .filter((url) => url.startsWith(`${origin(2)}/`));
    expect(maps.flatMap(({ pages }) => pages).sort()).toEqual(own.sort());
  });

  it("is the same, byte for byte, when started again with the same seed", async () => {
    const other = await startDemoWeb({ seed: 1, scale: 0.03 });
    try {
      const paths = [
        ...web
          .pageRoutes()
          .filter(({ fate }) => fate === "good")
          .slice(0, 12)
          .map(({ url }) => url),
        ...web
          .routes()
          .filter(({ fate }) => fate === "good")
          .slice(0, 12)
          .map(({ url }) => url),
        web.searchUrl.replace("{query}", "blue").replace("{offset}", "0").replace("{limit}", "20"),
      ];
      for (const url of paths) {
        const there = url.replace(`:${web.port}/`, `:${other.port}/`);
        const [one, two] = [await ask(url, { timeoutMs: 5000 }), await ask(there, { timeoutMs: 5000 })];
        const plain = ({ body }: Outcome, port: number) =>
          body.toString("latin1").replaceAll(`:${port}`, ":PORT");
        expect(plain(two, other.port) === plain(one, web.port), url).toBe(true);
        expect(one.status).toBe(200);
      }
    } finally {
      await other.close();
    }
  });

  it("counts what it was asked", async () => {
    const before = web.stats();
    await ask(routeOf("http_404").url);
    const after = web.stats();
    expect(after.requests).toBe(before.requests + 1);
    expect(after.byKind["http_404"]).toBe((before.byKind["http_404"] ?? 0) + 1);
  });

  it("says so when its port is taken", async () => {
    await expect(startDemoWeb({ seed: 1, scale: 0.01, port: web.port })).rejects.toMatchObject({
      code: "demo_port_in_use",
    });
  });

  it("closes at once, even while somebody waits for an answer that never comes", async () => {
    const short = await startDemoWeb({ seed: 2, scale: 0.01 });
    const never = short.routes().find(({ fate }) => fate === "never");
    if (never === undefined) throw new Error("no such image");
    const waiting = ask(never.url, { timeoutMs: 10_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await short.close();
    expect((await waiting).end).toBe("ECONNRESET");
  });
});

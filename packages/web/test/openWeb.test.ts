import { gzipSync } from "node:zlib";
import { webSettings, type WebSettings } from "@pairloom/config";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NameResolver } from "../src/dns/nameResolver.js";
import { openWeb, type OpenWebOptions, type Web } from "../src/openWeb.js";
import { misbehavingServer, pictureBytes, type MisbehavingServer } from "./misbehavingServer.js";

let server: MisbehavingServer;
const open: Web[] = [];
beforeEach(async () => {
  server = await misbehavingServer();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((web) => web.close()));
  await server.close();
});

const names: Record<string, string[]> = {
  "pictures.test": ["127.0.0.1"],
  "inside.test": ["10.0.0.1"],
  "mixed.test": ["10.0.0.1", "127.0.0.1"],
  "public.test": ["93.184.215.14"],
  "dead-first.test": ["::1", "127.0.0.1"],
};
const resolver: NameResolver = {
  async resolve(host) {
    const addresses = names[host] ?? (/^[\d.]+$|:/.test(host) ? [host] : undefined);
    if (addresses !== undefined) return { ok: true, addresses };
    return { ok: false, reason: "dns_not_found", errorMessage: "no such name" };
  },
};

function web(settings: Partial<WebSettings> = {}, options: Partial<OpenWebOptions> = {}): Web {
  const opened = openWeb({
    settings: webSettings.parse({
      allowPrivate: ["127.0.0.0/8"],
      hostGapMs: 0,
      addressGapMs: 0,
      retries: 0,
      timeoutMs: 2000,
      backoffMs: 1,
      ...settings,
    }),
    resolver,
    ...options,
  });
  open.push(opened);
  return opened;
}
const reasonOf = async (path: string, settings: Partial<WebSettings> = {}) => {
  const answer = await web(settings).getImage(path.startsWith("/") ? server.url(path) : path);
  return answer.status === "ok" ? "ok" : answer.reason;
};
const bare = { obeyRobots: false, obeyOptOuts: false };

describe("answers", () => {
  it("a picture comes with its bytes, type and address, asked by an honest name", async () => {
    const answer = await web({ contact: "https://example.org/bot" }).getImage(server.url("/ok.jpg#part"));
    expect(answer).toMatchObject({
      status: "ok",
      httpStatus: 200,
      contentType: "image/jpeg",
      finalUrl: server.url("/ok.jpg"),
    });
    expect(answer.status === "ok" && answer.body.whole().equals(pictureBytes)).toBe(true);
    expect(server.asked.at(-1)?.headers["user-agent"]).toBe("pairloom/0.1 (+https://example.org/bot)");
  });
  it.each([
    ["/status/400", "http_400"],
    ["/status/404", "http_404"],
    ["/status/410", "http_410"],
    ["/status/418", "http_4xx"],
    ["/status/429", "http_429"],
    ["/status/500", "http_500"],
    ["/status/502", "http_5xx"],
    ["/nocontent", "http_other"],
    ["/status/304", "http_other"],
    ["/no-location", "http_other"],
    ["/empty.jpg", "empty_body"],
    ["/reset", "connect_failed"],
    ["/close", "protocol_error"],
    ["/cut", "protocol_error"],
    ["/not-http", "protocol_error"],
    ["/gzip-broken", "protocol_error"],
    ["/compress", "coding_refused"],
    ["/huge-header", "too_large"],
  ])("%s is %s", async (path, reason) => {
    expect(await reasonOf(path, bare)).toBe(reason);
  });
  it.each(["/gzip", "/x-gzip", "/br", "/deflate", "/deflate-raw", "/twice"])("%s is undone", async (path) => {
    const answer = await web().getImage(server.url(path));
    expect(answer.status === "ok" && answer.body.whole().equals(pictureBytes)).toBe(true);
  });
  it("nobody at the port is connect_failed, a dead name dns_not_found", async () => {
    expect(await reasonOf("http://127.0.0.2:1/a.jpg", bare)).toBe("connect_failed");
    expect(await reasonOf("http://127.0.0.2:1/a.jpg")).toBe("connect_failed");
    expect(await reasonOf("http://gone.test/a.jpg")).toBe("dns_not_found");
  });
  it("the next address is tried where nobody listens at the first", async () => {
    const one = web({ allowPrivate: ["127.0.0.0/8", "::1/128"] });
    expect((await one.getImage(`http://dead-first.test:${server.port}/ok.jpg`)).status).toBe("ok");
  });
  it("a kept connection serves the next request", async () => {
    const one = web();
    for (let i = 0; i < 5; i++) await one.getImage(server.url("/ok.jpg"));
    await one.getImage(server.url("/status/404"));
    await one.getImage(server.url("/gzip"));
    // tdmrep.json and ai.txt are asked for side by side.
    expect(server.asked).toHaveLength(10);
    expect(new Set(server.asked.map(({ connection }) => connection)).size).toBeLessThanOrEqual(3);
  });
});

describe("caps", () => {
  it.each([
    ["a server that never answers", "/hang"],
    ["a slow drip of body", "/drip"],
    ["a slow drip of headers", "/drip-headers"],
  ])("%s is ended by the wall clock", async (_name, path) => {
    const startedMs = performance.now();
    expect(await reasonOf(path, { ...bare, timeoutMs: 300 })).toBe("timeout");
    expect(performance.now() - startedMs).toBeLessThan(1500);
  });
  it("the wall clock runs on over redirects", async () => {
    for (const path of ["/slow1", "/slow2", "/slow3"]) {
      const next = `/slow${Number(path.at(-1)) + 1}`;
      server.on(path, (_q, res) => void setTimeout(() => res.writeHead(302, { location: next }).end(), 200));
    }
    expect(await reasonOf("/slow1", { ...bare, timeoutMs: 450 })).toBe("timeout");
  });
  it("wire bytes are capped, announced or not", async () => {
    expect(await reasonOf("/declared-huge", { ...bare, maxBytes: 100_000 })).toBe("too_large");
    expect(await reasonOf("/endless", { ...bare, maxBytes: 100_000 })).toBe("too_large");
  });
  it.each(["/gzip-bomb", "/br-bomb"])("%s is stopped while it inflates", async (path) => {
    expect(await reasonOf(path, { ...bare, maxInflatedBytes: 1_000_000 })).toBe("inflated_too_large");
    expect(await reasonOf(path, { ...bare, maxInflatedBytes: 6_000_000 })).toBe("ok");
  });
  it("redirects are counted, loops seen at once", async () => {
    expect(await reasonOf("/hop/4", { ...bare, maxRedirects: 5 })).toBe("ok");
    expect(await reasonOf("/hop/5", { ...bare, maxRedirects: 5 })).toBe("redirect_limit");
    server.asked.length = 0;
    expect(await reasonOf("/loop", bare)).toBe("redirect_limit");
    expect(server.paths()).toEqual(["/loop", "/loop2"]);
  });
  it("an abort by the caller rejects, wherever the request is", async () => {
    const aborter = new AbortController();
    const one = web({ ...bare, hostGapMs: 60_000 });
    await one.getImage(server.url("/ok.jpg"));
    const waiting = one.getImage(server.url("/ok.jpg"), { signal: aborter.signal });
    const hanging = one.getImage(server.url("/hang", "127.0.0.3"), { signal: aborter.signal });
    setTimeout(() => aborter.abort(new Error("stop")), 100);
    await expect(waiting).rejects.toThrow();
    await expect(hanging).rejects.toThrow("stop");
  });
});

describe("where requests may go", () => {
  it.each([
    ["http://10.0.0.1/", "address_private"],
    ["http://169.254.169.254/", "address_private"],
    ["http://2852039166/", "address_private"],
    ["http://0xa9fea9fe/", "address_private"],
    ["http://0251.0376.0251.0376/", "address_private"],
    ["http://[::ffff:10.0.0.1]/", "address_private"],
    ["http://[::ffff:a00:1]/", "address_private"],
    ["http://[64:ff9b::a00:1]/", "address_private"],
    ["http://[2002:a00:1::]/", "address_private"],
    ["http://[fd00::1]/", "address_private"],
    ["http://10.1/", "address_private"],
    ["http://0x0a.1/", "address_private"],
    ["http://012.0.0.1/", "address_private"],
    ["http://１０.0.0.1/", "address_private"],
    ["http://10.0.0.1./", "address_private"],
    ["http://[::10.0.0.1]/", "address_private"],
    ["http://[::a00:1]/", "address_private"],
    ["http://[2001:0:4136:e378:8000:63bf:f5ff:fffe]/", "address_private"],
    ["http://[fe80::1]/", "address_private"],
    ["http://[fe80::1%25eth0]/", "url_invalid"],
    ["http://localhost.localdomain.invalid/", "dns_not_found"],
    ["https://public.test:22/", "url_port_refused"],
    ["http://example.org@10.0.0.1/", "url_invalid"],
    ["http://10.0.0.1\\@public.test/", "address_private"],
    ["http://[::1]/", "address_private"],
    ["http://[::]/", "address_private"],
    ["http://0.0.0.0/", "address_private"],
    ["http://255.255.255.255/", "address_private"],
    ["http://100.64.0.1/", "address_private"],
    ["http://inside.test/", "address_private"],
    ["http://public.test:25/", "url_port_refused"],
    ["ftp://127.0.0.1/", "url_scheme_refused"],
    ["javascript:alert(1)", "url_scheme_refused"],
    ["/relative.jpg", "url_invalid"],
    ["http://user:pass@127.0.0.1/", "url_invalid"],
    ["http://", "url_invalid"],
  ])("%s is refused: %s", async (url, reason) => {
    const answer = await web({ contact: "me@example.org" }).getImage(url);
    expect(answer).toMatchObject({ status: reason === "dns_not_found" ? "failed" : "refused", reason });
  });
  it.each([
    ["/to-metadata", "address_private"],
    ["/to-decimal", "address_private"],
    ["/to-private-name", "address_private"],
    ["/to-file", "url_scheme_refused"],
    ["/to-login", "url_invalid"],
  ])("a redirect %s is refused: %s", async (path, reason) => {
    expect(await reasonOf(path, bare)).toBe(reason);
  });
  it("of several addresses the private ones are left out", async () => {
    const answer = await web().getImage(`http://mixed.test:${server.port}/ok.jpg`);
    expect(answer.status).toBe("ok");
  });
  it("a name that changes its address between check and connection is refused", async () => {
    let asked = 0;
    const rebinding: NameResolver = {
      resolve: async () => ({ ok: true, addresses: [asked++ === 0 ? "127.0.0.1" : "10.0.0.1"] }),
    };
    const answer = await web(bare, { resolver: rebinding }).getImage(
      `http://rebind.test:${server.port}/ok.jpg`,
    );
    expect(answer).toMatchObject({ status: "refused", reason: "address_private" });
    expect(server.asked).toEqual([]);
  });
  it("without allowPrivate loopback itself is refused", async () => {
    expect(await reasonOf("/ok.jpg", { allowPrivate: [] })).toBe("address_private");
  });
  it("a public address isn't asked before a contact is set", async () => {
    await expect(web().getImage("http://public.test/a.jpg")).rejects.toMatchObject({
      code: "contact_missing",
    });
  });
});

describe("robots.txt", () => {
  const robots = (text: string, host?: string) =>
    server.on("/robots.txt", (req, res) => {
      if (host === undefined || req.headers.host?.startsWith(host) === true) res.end(text);
      else res.writeHead(404).end();
    });
  it("is obeyed for our token and for those obeyed by name", async () => {
    robots(
      "User-agent: *\nDisallow: /ok\n\nUser-agent: GPTBot\nDisallow: /gzip\n\nUser-agent: otherbot\nDisallow: /",
    );
    expect(await reasonOf("/ok.jpg")).toBe("robots_disallowed");
    expect(await reasonOf("/gzip")).toBe("ok");
    expect(await reasonOf("/gzip", { alsoObey: ["GPTBot"] })).toBe("robots_disallowed");
    expect(await reasonOf("/ok.jpg", { obeyRobots: false })).toBe("ok");
    expect(await web().getText(server.url("/ok.jpg"))).toMatchObject({ status: "ok" });
    expect(await web().getText(server.url("/ok.jpg"), { checkRobots: true })).toMatchObject({
      reason: "robots_disallowed",
    });
  });
  it("is fetched once for many that wait", async () => {
    const one = web();
    await Promise.all(Array.from({ length: 20 }, () => one.getImage(server.url("/ok.jpg"))));
    expect(server.paths().filter((path) => path === "/robots.txt")).toHaveLength(1);
    expect(server.paths().filter((path) => path === "/ai.txt")).toHaveLength(1);
  });
  it.each([
    [401, "ok"],
    [403, "ok"],
    [404, "ok"],
    [429, "robots_unreachable"],
    [500, "robots_unreachable"],
    [503, "robots_unreachable"],
  ])("%d means %s", async (status, expected) => {
    server.on("/robots.txt", (_q, res) => res.writeHead(status).end());
    expect(await reasonOf("/ok.jpg", { timeoutMs: 300 })).toBe(expected);
  });
  it("that never answers means no", async () => {
    server.on("/robots.txt", () => undefined);
    expect(await reasonOf("/ok.jpg", { timeoutMs: 200 })).toBe("robots_unreachable");
  });
  it("is followed over five redirects, to other hosts too; six mean there is none", async () => {
    const chain = (from: number) => {
      server.on("/robots.txt", (_q, res) => res.writeHead(301, { location: `/r${from}` }).end());
      for (let i = from; i > 1; i--) {
        const location = i === 2 ? server.url("/r1", "127.0.0.7") : `/r${i - 1}`;
        server.on(`/r${i}`, (_q, res) => res.writeHead(302, { location }).end());
      }
      server.on("/r1", (_q, res) => res.end("User-agent: *\nDisallow: /"));
    };
    chain(5);
    expect(await reasonOf("/ok.jpg")).toBe("robots_disallowed");
    chain(6);
    expect(await reasonOf("/ok.jpg")).toBe("ok");
  });
  it("of a redirect's target is asked before the target is", async () => {
    robots("User-agent: *\nDisallow: /ok", "127.0.0.5");
    server.on("/away", (_q, res) =>
      res.writeHead(302, { location: server.url("/ok.jpg", "127.0.0.5") }).end(),
    );
    expect(await reasonOf("/away")).toBe("robots_disallowed");
    expect(server.asked.filter(({ path }) => path === "/ok.jpg")).toEqual([]);
  });
  it("beyond 500 KiB isn't read", async () => {
    robots(`User-agent: *\n${"# padding\n".repeat(60_000)}Disallow: /ok`);
    expect(await reasonOf("/ok.jpg")).toBe("ok");
    robots(`User-agent: *\nDisallow: /ok\n${"# padding\n".repeat(60_000)}`);
    expect(await reasonOf("/ok.jpg")).toBe("robots_disallowed");
  });
  it("names its sitemaps", async () => {
    robots("Sitemap: http://x/s.xml");
    expect(await web().getRobots(server.url("/"))).toMatchObject({
      robots: { sitemaps: ["http://x/s.xml"] },
    });
  });
  it("Crawl-delay spaces the requests, up to its cap", async () => {
    robots("User-agent: *\nCrawl-delay: 600");
    const one = web({ crawlDelayCapMs: 200 });
    await Promise.all([1, 2, 3].map(() => one.getImage(server.url("/ok.jpg"))));
    const times = server.asked.filter(({ path }) => path === "/ok.jpg").map(({ atMs }) => atMs);
    for (let i = 1; i < times.length; i++) expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBeGreaterThan(180);
  });
});

describe("opt-outs", () => {
  const header = (name: string, value: string | string[]) =>
    server.on("/out.jpg", (_q, res) =>
      res.writeHead(200, { "content-type": "image/jpeg", [name]: value }).end("x"),
    );
  it.each([
    ["x-robots-tag", "noai", "optout_x_robots_tag"],
    ["x-robots-tag", ["all", "NoImageAI"], "optout_x_robots_tag"],
    ["x-robots-tag", "pairloom: noimageindex", "optout_x_robots_tag"],
    ["x-robots-tag", "unavailable_after: 25 Jun 2010 15:00:00 PST, none", "optout_x_robots_tag"],
    ["x-robots-tag", "otherbot: noai, noindex", "ok"],
    ["x-robots-tag", ["otherbot: noai", "PairLoom: noarchive, noai"], "optout_x_robots_tag"],
    ["x-robots-tag", "otherbot: none, pairloom: nofollow", "ok"],
    ["x-robots-tag", "max-snippet:-1, some-new-word, max-image-preview: large", "ok"],
    ["x-robots-tag", "all, follow, , ;", "ok"],
    ["tdm-reservation", ["0", "1"], "optout_tdmrep"],
    ["tdm-reservation", "yes", "ok"],
    ["content-usage", ["search=y", "train-ai=n"], "optout_content_usage"],
    ["tdm-reservation", "1", "optout_tdmrep"],
    ["tdm-reservation", "0", "ok"],
    ["content-usage", "train-ai=n, search=y", "optout_content_usage"],
    ["content-usage", "train-ai=y", "ok"],
    ["content-signal", "search=yes, ai-train=no", "optout_content_usage"],
  ])("header %s: %s gives %s", async (name, value, expected) => {
    header(name, value);
    expect(await reasonOf("/out.jpg")).toBe(expected);
    expect(await reasonOf("/out.jpg", { obeyOptOuts: false })).toBe("ok");
    if (expected !== "ok") {
      const ignoreOptOuts = [expected] as WebSettings["ignoreOptOuts"];
      expect(await reasonOf("/out.jpg", { ignoreOptOuts })).toBe("ok");
    }
  });
  it("tdmrep.json, ai.txt and robots.txt's Content-Usage refuse before the image is asked for", async () => {
    server.on("/.well-known/tdmrep.json", (_q, res) =>
      res.end(
        JSON.stringify([
          { location: "/", "tdm-reservation": 0 },
          { location: "/gz*", "tdm-reservation": 1 },
        ]),
      ),
    );
    server.on("/ai.txt", (_q, res) => res.end("User-Agent: *\nDisallow: *.jpg\nAllow: /"));
    server.on("/robots.txt", (_q, res) => res.end("User-agent: *\nContent-Usage: /br train-ai=n\nAllow: /"));
    expect(await reasonOf("/gzip")).toBe("optout_tdmrep");
    expect(await reasonOf("/ok.jpg")).toBe("optout_ai_txt");
    expect(await reasonOf("/br")).toBe("optout_content_usage");
    expect(await reasonOf("/deflate")).toBe("ok");
    expect(server.paths().filter((path) => ["/gzip", "/ok.jpg", "/br"].includes(path))).toEqual([]);
  });
  it.each([
    ["/.well-known/tdmrep.json", '[{"location":"/","tdm-reservation":1}]', "optout_tdmrep"],
    ["/ai.txt", "User-Agent: *\nDisallow: /", "optout_ai_txt"],
    ["/robots.txt", "User-agent: *\nContent-Usage: train-ai=n\nAllow: /", "optout_content_usage"],
    [
      "/robots.txt",
      "User-agent: *\nContent-Signal: search=yes,ai-train=no\nAllow: /",
      "optout_content_usage",
    ],
  ])("%s: %s is %s, unless that one is switched off", async (path, text, reason) => {
    server.on(path, (_q, res) => res.end(text));
    expect(await reasonOf("/ok.jpg")).toBe(reason);
    expect(await reasonOf("/ok.jpg", { ignoreOptOuts: [reason] as WebSettings["ignoreOptOuts"] })).toBe("ok");
    expect(await reasonOf("/ok.jpg", { obeyOptOuts: false })).toBe("ok");
  });
  it("what robots.txt says of use to a token that is obeyed by name holds for us", async () => {
    server.on("/robots.txt", (_q, res) =>
      res.end("User-agent: *\nAllow: /\n\nUser-agent: CCBot\nContent-Usage: train-ai=n\nAllow: /"),
    );
    expect(await reasonOf("/ok.jpg")).toBe("ok");
    expect(await reasonOf("/ok.jpg", { alsoObey: ["CCBot"] })).toBe("optout_content_usage");
  });
  it("a page's opt-outs are told with the page", async () => {
    server.on("/p.html", (_q, res) =>
      res.writeHead(200, { "x-robots-tag": "noai", "tdm-reservation": "1" }).end("<p>"),
    );
    expect(await web().getPage(server.url("/p.html"))).toMatchObject({
      status: "ok",
      optOuts: ["optout_page_header", "optout_tdmrep"],
    });
  });
});

describe("retries", () => {
  const flaky = (path: string, failures: number, headers: Record<string, string> = {}, status = 503) => {
    let times = 0;
    server.on(path, (_q, res) => {
      if (times++ < failures) res.writeHead(status, headers).end();
      else res.writeHead(200, { "content-type": "image/jpeg" }).end("x");
    });
  };
  const times = (path: string) => server.asked.filter((asked) => asked.path === path).map(({ atMs }) => atMs);
  it("what may pass is asked again, what may not isn't", async () => {
    flaky("/f", 2, {}, 500);
    expect(await reasonOf("/f", { retries: 2 })).toBe("ok");
    expect(await reasonOf("/status/500", { retries: 2 })).toBe("http_500");
    expect(await reasonOf("/status/404", { retries: 2 })).toBe("http_404");
    expect(await reasonOf("/cut", { retries: 1 })).toBe("protocol_error");
    expect([
      times("/f").length,
      times("/status/500").length,
      times("/status/404").length,
      times("/cut").length,
    ]).toEqual([3, 3, 1, 2]);
  });
  it("Retry-After is waited for, by every request to the host", async () => {
    flaky("/busy", 1, { "retry-after": "1" }, 429);
    const one = web({ retries: 1, ...bare });
    const busy = one.getImage(server.url("/busy"));
    await new Promise((resolve) => setTimeout(resolve, 200));
    await one.getImage(server.url("/ok.jpg"));
    expect((await busy).status).toBe("ok");
    const [first = 0, second = 0] = times("/busy");
    expect(second - first).toBeGreaterThan(950);
    expect((times("/ok.jpg")[0] ?? 0) - first).toBeGreaterThan(950);
  });
  it("a Retry-After beyond the cap isn't waited for", async () => {
    flaky("/busy", 1, { "retry-after": "3600" });
    const one = web({ retries: 3, ...bare }, { retryAfterCapMs: 1000 });
    expect(await one.getImage(server.url("/busy"))).toMatchObject({ reason: "http_503" });
    expect(times("/busy")).toHaveLength(1);
  });
  it("a host that keeps failing is set aside, and only that one", async () => {
    const one = web({ ...bare, hostFailureLimit: 3 });
    const reasons: string[] = [];
    for (let i = 0; i < 5; i++) {
      const answer = await one.getImage("http://127.0.0.2:1/a.jpg");
      reasons.push(answer.status === "ok" ? "ok" : answer.reason);
    }
    expect(reasons).toEqual([
      "connect_failed",
      "connect_failed",
      "connect_failed",
      "host_set_aside",
      "host_set_aside",
    ]);
    expect((await one.getImage(server.url("/ok.jpg"))).status).toBe("ok");
  });
  it("who already stood in line at a host when it was set aside doesn't ask it any more", async () => {
    const one = web({ ...bare, hostFailureLimit: 3 }, { hostConnections: 1 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => one.getImage(server.url("/close"))));
    const reasons = answers.map((answer) => (answer.status === "ok" ? "ok" : answer.reason));
    expect(reasons.filter((reason) => reason === "protocol_error")).toHaveLength(3);
    expect(reasons.filter((reason) => reason === "host_set_aside")).toHaveLength(47);
    expect(times("/close")).toHaveLength(3);
    // Nor do they wait for the host's clock one by one: only who was next had a slot already.
    const clocked = web({ ...bare, hostFailureLimit: 1, hostGapMs: 1000 });
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => clocked.getImage(server.url("/reset", "127.0.0.4"))));
    expect(times("/reset")).toHaveLength(1);
    expect(performance.now() - startedMs).toBeLessThan(5000);
  });
  it("a host that only says 503 is set aside as well; one good answer counts all anew", async () => {
    const one = web({ ...bare, hostFailureLimit: 3 }, { retryAfterCapMs: 1 });
    const ask = async (path: string) => {
      const answer = await one.getImage(server.url(path));
      return answer.status === "ok" ? "ok" : answer.reason;
    };
    const said: string[] = [];
    for (const path of [
      "/status/503",
      "/status/429",
      "/ok.jpg",
      "/status/500",
      "/status/503",
      "/status/404",
    ]) {
      said.push(await ask(path));
    }
    for (let i = 0; i < 4; i++) said.push(await ask("/status/503"));
    expect(said.slice(-4)).toEqual(["http_503", "http_503", "http_503", "host_set_aside"]);
  });
  it.each(["9".repeat(400), "Fri, 31 Dec 9999 23:59:59 GMT"])(
    "an absurd Retry-After is not waited for: %s",
    async (value) => {
      flaky("/busy", 9, { "retry-after": value });
      const one = web({ ...bare, retries: 3 }, { retryAfterCapMs: 100 });
      expect(await one.getImage(server.url("/busy"))).toMatchObject({ reason: "http_503" });
      expect(times("/busy")).toHaveLength(1);
      // The pause is the cap, not what the server wished.
      const startedMs = performance.now();
      await one.getImage(server.url("/ok.jpg"));
      expect(performance.now() - startedMs).toBeLessThan(3000);
    },
  );
  it.each(["soon", "-5", "0", "Sun, 06 Nov 1994 08:49:37 GMT"])(
    "a Retry-After that says nothing leaves the backoff: %s",
    async (value) => {
      flaky("/busy", 1, { "retry-after": value });
      expect(await reasonOf("/busy", { ...bare, retries: 1 })).toBe("ok");
    },
  );
});

it("a slow drip takes one slot and no more", async () => {
  const one = web({ ...bare, timeoutMs: 1500, concurrency: 2 });
  const dripping = one.getImage(server.url("/drip"));
  const startedMs = performance.now();
  for (let i = 0; i < 20; i++) {
    expect((await one.getImage(server.url("/ok.jpg", `127.0.2.${i + 1}`))).status).toBe("ok");
  }
  expect(performance.now() - startedMs).toBeLessThan(1400);
  expect(await dripping).toMatchObject({ reason: "timeout" });
});

it("proxies that the environment names are left alone", async () => {
  const before = process.env["HTTP_PROXY"];
  process.env["HTTP_PROXY"] = process.env["http_proxy"] = "http://127.0.0.1:1";
  try {
    expect((await web(bare).getImage(server.url("/ok.jpg"))).status).toBe("ok");
  } finally {
    delete process.env["http_proxy"];
    if (before === undefined) delete process.env["HTTP_PROXY"];
    else process.env["HTTP_PROXY"] = before;
  }
});

it("a robots.txt that is a bomb is read to its 500 KiB", async () => {
  server.on("/robots.txt", (_q, res) =>
    res
      .writeHead(200, { "content-encoding": "gzip" })
      .end(gzipSync(`User-agent: *\nDisallow: /ok\n${"#\n".repeat(5_000_000)}`)),
  );
  expect(await reasonOf("/ok.jpg", { maxInflatedBytes: 1_000_000 })).toBe("robots_disallowed");
  expect(await reasonOf("/gzip", { maxInflatedBytes: 1_000_000 })).toBe("ok");
});

import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { webSettings, type WebSettings } from "@pairloom/config";
import { afterEach, describe, expect, it } from "vitest";
import { openWeb, type OpenWebOptions, type Web } from "../src/openWeb.js";
import { isTransient } from "../src/retryPolicy.js";
import { rawServer, type RawRoute, type RawServer } from "./rawServer.js";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(
  routes: Record<string, RawRoute>,
  tls?: { key: string; cert: string },
): Promise<RawServer> {
  const server = await rawServer(routes, tls ?? null);
  closing.push(() => server.close());
  return server;
}

const bare = { obeyRobots: false, obeyOptOuts: false };
function web(settings: Partial<WebSettings> = bare, options: Partial<OpenWebOptions> = {}): Web {
  const opened = openWeb({
    settings: webSettings.parse({
      allowPrivate: ["127.0.0.0/8"],
      hostGapMs: 0,
      addressGapMs: 0,
      retries: 0,
      timeoutMs: 2000,
      ...settings,
    }),
    ...options,
  });
  closing.unshift(() => opened.close());
  return opened;
}

const picture = "these bytes pass for a picture";
const length = `Content-Length: ${picture.length}`;
const hex = picture.length.toString(16);
/** An answer that undici's parser refuses and browsers take. */
const loose = `HTTP/1.1 200 OK\n${length}\n\n${picture}`;
const crlf = (...lines: string[]) => lines.map((line) => `${line}\r\n`).join("");

/** Framings, and what each comes to: as in browsers. */
const framings: Record<string, [bytes: string, outcome: string]> = {
  "lf": [loose, "ok"],
  "lf-status-only": [`HTTP/1.1 200 OK\n${crlf(length, "")}${picture}`, "ok"],
  "space-before-colon": [crlf("HTTP/1.1 200 OK", "Content-Type : image/png", length, "") + picture, "ok"],
  "fold": [crlf("HTTP/1.1 200 OK", "X-Long: a", "  folded", length, "") + picture, "ok"],
  "latin1-header": [crlf("HTTP/1.1 200 OK", "Content-Disposition: inline; filename=\"caf\xe9.png\"", length, "") + picture, "ok"],
  "two-lengths": [crlf("HTTP/1.1 200 OK", length, length, "") + picture, "ok"],
  "lengths-in-one": [crlf("HTTP/1.1 200 OK", `${length}, ${picture.length}`, "") + picture, "ok"],
  "both": [crlf("HTTP/1.1 200 OK", length, "Transfer-Encoding: chunked", "", hex, picture, "0", ""), "ok"],
  "te-identity": [crlf("HTTP/1.1 200 OK", "Transfer-Encoding: identity", length, "") + picture, "ok"],
  "http10": [crlf("HTTP/1.0 200 OK", "") + picture, "ok"],
  "http10-keep": [crlf("HTTP/1.0 200 OK", "Connection: keep-alive", "") + picture, "ok"],
  "no-reason": [crlf("HTTP/1.1 200", length, "") + picture, "ok"],
  "http12": [crlf("HTTP/1.2 200 OK", length, "") + picture, "ok"],
  "lower-case": [crlf("http/1.1 200 ok", length, "") + picture, "ok"],
  "no-version": [crlf("HTTP 200 OK", length, "") + picture, "ok"],
  "blank-before": [crlf(" HTTP/1.1 200 OK", length, "") + picture, "ok"],
  "lines-before": [crlf("", "", "HTTP/1.1 200 OK", length, "") + picture, "ok"],
  "100": [crlf("HTTP/1.1 100 Continue", "", "HTTP/1.1 200 OK", length, "") + picture, "ok"],
  "103": [crlf("HTTP/1.1 103 Early Hints", "Link: </a.css>", "", "HTTP/1.1 200 OK", length, "") + picture, "ok"],
  "trailers": [crlf("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", hex, picture, "0", "X-Sum: 1", ""), "ok"],
  "chunk-extension": [crlf("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", `${hex};a=b`, picture, "0", ""), "ok"],
  "chunk-lf": [`${crlf("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "")}${hex}\n${picture}\n0\n\n`, "ok"],
  "length-too-short": [crlf("HTTP/1.1 200 OK", "Content-Length: 5", "") + picture, "ok"],
  "length-plus": [crlf("HTTP/1.1 200 OK", `Content-Length: +${picture.length}`, "") + picture, "ok"],
  "length-minus": [crlf("HTTP/1.1 200 OK", "Content-Length: -1", "") + picture, "ok"],
  "line-without-colon": [crlf("HTTP/1.1 200 OK", "nonsense", length, "") + picture, "ok"],
  "cookies": [crlf("HTTP/1.1 200 OK", ...Array<string>(60).fill("Set-Cookie: a=1"), length, "") + picture, "ok"],
  "40k-header": [crlf("HTTP/1.1 200 OK", `X: ${"x".repeat(40_000)}`, length, "") + picture, "ok"],
  "200k-header": [crlf("HTTP/1.1 200 OK", `X: ${"x".repeat(200_000)}`, length, "") + picture, "ok"],
  "300k-header": [crlf("HTTP/1.1 200 OK", `X: ${"x".repeat(300_000)}`, length, "") + picture, "too_large"],
  "201": [crlf("HTTP/1.1 201 Created", length, "") + picture, "ok"],
  "226": [crlf("HTTP/1.1 226 IM Used", length, "") + picture, "ok"],
  "206-whole": [crlf("HTTP/1.1 206 Partial Content", `Content-Range: bytes 0-${picture.length - 1}/${picture.length}`, length, "") + picture, "ok"],
  "206-unsaid": [crlf("HTTP/1.1 206 Partial Content", length, "") + picture, "ok"],
  "206-part": [crlf("HTTP/1.1 206 Partial Content", "Content-Range: bytes 0-29/90", length, "") + picture, "http_other"],
  "206-end": [crlf("HTTP/1.1 206 Partial Content", "Content-Range: bytes 60-89/90", length, "") + picture, "http_other"],
  "204": [crlf("HTTP/1.1 204 No Content", ""), "http_other"],
  "205": [crlf("HTTP/1.1 205 Reset", "Content-Length: 0", ""), "http_other"],
  "404": [crlf("HTTP/1.1 404 Not Found", length, "") + picture, "http_404"],
  "lf-404": [`HTTP/1.1 404 Not Found\n${length}\n\n${picture}`, "http_404"],
  "lengths-that-differ": [crlf("HTTP/1.1 200 OK", length, "Content-Length: 5", "") + picture, "protocol_error"],
  "length-too-long": [crlf("HTTP/1.1 200 OK", `Content-Length: ${picture.length + 5}`, "") + picture, "protocol_error"],
  "chunk-no-end": [crlf("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", hex, picture), "protocol_error"],
  "chunk-garbage": [crlf("HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "", "zz", picture, "0", ""), "protocol_error"],
  "nul-byte": [crlf("HTTP/1.1 200 OK", "X: a\0b", length, "") + picture, "protocol_error"],
  "icy": [crlf("ICY 200 OK", length, "") + picture, "protocol_error"],
  "http09": [picture, "protocol_error"],
  "no-status": [crlf("HTTP/1.1 OK", length, "") + picture, "protocol_error"],
  "upgrade": [crlf("HTTP/1.1 101 Switching Protocols", "Connection: upgrade", "Upgrade: x", ""), "protocol_error"],
  "nothing": ["", "protocol_error"],
}; // prettier-ignore

describe("framings that browsers know", () => {
  const routes = Object.fromEntries(Object.entries(framings).map(([name, [bytes]]) => [`/${name}`, bytes]));
  it.each(Object.entries(framings).map(([name, [, outcome]]) => [name, outcome]))(
    "%s is %s, at the first request to its host and at a later one",
    async (name, outcome) => {
      const server = await serve({ ...routes, "/first": loose });
      const whole = name === "length-too-short" ? picture.slice(0, 5) : picture;
      for (const isLater of [false, true]) {
        const one = web();
        if (isLater) await one.getImage(server.url("/first"));
        const answer = await one.getImage(server.url(`/${name}`));
        expect(answer.status === "ok" ? "ok" : answer.reason).toBe(outcome);
        if (answer.status === "ok") expect(answer.body.whole().toString("latin1")).toBe(whole);
        else if (outcome === "protocol_error") expect(isTransient(answer.reason, null)).toBe(true);
      }
    },
  );
});

describe("a host whose answers are loose", () => {
  it("is asked once more for the first of them and once for each that follows, a connection each", async () => {
    const server = await serve({
      "/1": loose,
      "/2": loose,
      "/3": crlf("HTTP/1.1 200 OK", length, "") + picture,
    });
    const one = web();
    for (const path of ["/1", "/2", "/3", "/2"]) {
      expect(await one.getImage(server.url(path))).toMatchObject({
        status: "ok",
        finalUrl: server.url(path),
      });
    }
    expect(server.asked.map(({ path }) => path)).toEqual(["/1", "/1", "/2", "/3", "/2"]);
    expect(new Set(server.asked.map(({ connection }) => connection)).size).toBe(5);
  });
  it("is asked no second time for a body that was cut off", async () => {
    const server = await serve({ "/cut": crlf("HTTP/1.1 200 OK", "Content-Length: 99", "") + picture });
    expect(await web().getImage(server.url("/cut"))).toMatchObject({ reason: "protocol_error" });
    expect(server.asked).toHaveLength(1);
  });
  it("is asked with the same head", async () => {
    const server = await serve({ "/1?a=b": loose });
    const one = web({ ...bare, contact: "me@example.org" });
    await one.getImage(server.url("/1?a=b"));
    const fields = server.asked.map(({ head }) =>
      head
        .trim()
        .split("\r\n")
        .filter((line) => !/^connection:/i.test(line))
        .sort(),
    );
    expect(fields[1]).toEqual(fields[0]);
    expect(fields[0]).toContain("user-agent: pairloom/0.1 (+me@example.org)");
  });
  it("has its gap before the second request as before any other", async () => {
    const server = await serve({ "/1": loose });
    const one = web({ ...bare, hostGapMs: 400 });
    expect(await one.getImage(server.url("/1"))).toMatchObject({ status: "ok" });
    const [first, second] = server.asked.map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThan(380);
  });
  it("has robots.txt, ai.txt, tdmrep.json and headers obeyed", async () => {
    const text = (body: string): string => `HTTP/1.1 200 OK\nContent-Length: ${body.length}\n\n${body}`;
    const server = await serve({
      "/robots.txt": text("User-agent: *\nDisallow: /closed/"),
      "/ai.txt": text("User-Agent: *\nDisallow: *.gif"),
      "/.well-known/tdmrep.json": text('[{"location":"/reserved/*","tdm-reservation":1}]'),
      "/open/a.png": loose,
      "/open/b.png": `HTTP/1.1 200 OK\nX-Robots-Tag : noai\n${length}\n\n${picture}`,
    });
    const one = web({});
    const reasons: string[] = [];
    for (const path of ["/closed/a.png", "/open/a.gif", "/reserved/a.png", "/open/b.png", "/open/a.png"]) {
      const answer = await one.getImage(server.url(path));
      reasons.push(answer.status === "ok" ? "ok" : answer.reason);
    }
    expect(reasons).toEqual([
      "robots_disallowed",
      "optout_ai_txt",
      "optout_tdmrep",
      "optout_x_robots_tag",
      "ok",
    ]);
  });
  it("gives pages, texts and robots.txt's sitemaps as well", async () => {
    const server = await serve({
      "/page": `HTTP/1.1 200 OK\nContent-Type : text/html; charset=koi8-r\n${length}\n\n${picture}`,
      "/map.xml": loose,
      "/robots.txt": "HTTP/1.1 200 OK\n\nSitemap: /map.xml",
    });
    expect(await web().getPage(server.url("/page"))).toMatchObject({
      contentType: "text/html",
      charset: "koi8-r",
    });
    expect(await web().getText(server.url("/map.xml"))).toMatchObject({ status: "ok" });
    expect(await web().getRobots(server.url("/"))).toMatchObject({ robots: { sitemaps: ["/map.xml"] } });
  });
  it("is read over TLS, its certificate checked", async () => {
    const pem = (name: string) =>
      readFileSync(join(import.meta.dirname, "certificates", `${name}.pem`), "utf8");
    const options = {
      ca: [pem("authority")],
      resolver: { resolve: async () => ({ ok: true as const, addresses: ["127.0.0.1"] }) },
    };
    const good = await serve({ "/1": loose, "/2": loose }, { key: pem("key"), cert: pem("good") });
    const one = web(bare, options);
    for (const path of ["/1", "/2"]) {
      expect(await one.getImage(`https://good.test:${good.port}${path}`)).toMatchObject({ status: "ok" });
      expect(await one.getImage(`https://other.test:${good.port}${path}`)).toMatchObject({
        reason: "tls_wrong_host",
      });
    }
    expect(good.asked).toHaveLength(3);
  });
});

describe("the guards on a loose answer", () => {
  const known = async (routes: Record<string, RawRoute>, settings: Partial<WebSettings> = {}) => {
    const server = await serve({ ...routes, "/first": loose });
    const one = web({ ...bare, ...settings });
    await one.getImage(server.url("/first"));
    return async (path: string) => {
      const answer = await one.getImage(server.url(path));
      return answer.status === "ok" ? "ok" : answer.reason;
    };
  };
  const endless = (first: string, piece: string) => (socket: Socket) => {
    const pour = (): void => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on("drain", pour);
    socket.write(first);
    pour();
  };
  const dripping = (first: string, piece: string) => (socket: Socket) => {
    socket.write(first);
    const timer = setInterval(() => socket.write(piece), 20);
    socket.on("close", () => clearInterval(timer));
  };

  it("a redirect is judged like any other, and counted", async () => {
    const to = (location: string): string => `HTTP/1.1 302 Found\nLocation : ${location}\n\n`;
    const ask = await known({
      "/to-private": to("http://10.0.0.1/a.png"),
      "/to-metadata": to("http://169.254.169.254/"),
      "/to-file": to("file:///etc/passwd"),
      "/to-itself": to("/to-itself"),
      "/to-first": to("first"),
    });
    expect(await ask("/to-private")).toBe("address_private");
    expect(await ask("/to-metadata")).toBe("address_private");
    expect(await ask("/to-file")).toBe("url_scheme_refused");
    expect(await ask("/to-itself")).toBe("redirect_limit");
    expect(await ask("/to-first")).toBe("ok");
  });
  it("a name that has moved to a private address meanwhile is not asked again", async () => {
    const server = await serve({ "/1": loose });
    let resolved = 0;
    // Asked by the check and by the connection.
    const resolver = {
      resolve: async () => ({ ok: true as const, addresses: [resolved++ < 2 ? "127.0.0.1" : "10.0.0.1"] }),
    };
    const answer = await web(bare, { resolver }).getImage(`http://moving.test:${server.port}/1`);
    expect(answer).toMatchObject({ status: "refused", reason: "address_private" });
    expect(server.asked).toHaveLength(1);
  });
  it("wire bytes and inflated bytes are capped", async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000));
    const ask = await known(
      {
        "/announced": "HTTP/1.1 200 OK\nContent-Length: 99999999\n\nx",
        "/endless": endless("HTTP/1.1 200 OK\n\n", "x".repeat(65_536)),
        "/chunks": endless(
          "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n",
          `4000\n${"x".repeat(0x4000)}\n`,
        ),
        "/bomb": Buffer.concat([Buffer.from("HTTP/1.1 200 OK\nContent-Encoding : gzip\n\n"), bomb]),
        "/coded": Buffer.concat([
          Buffer.from("HTTP/1.1 200 OK\nContent-Encoding : gzip\n\n"),
          gzipSync(picture),
        ]),
      },
      { maxBytes: 100_000, maxInflatedBytes: 1_000_000 },
    );
    expect(await ask("/announced")).toBe("too_large");
    expect(await ask("/endless")).toBe("too_large");
    expect(await ask("/chunks")).toBe("too_large");
    expect(await ask("/bomb")).toBe("inflated_too_large");
    expect(await ask("/coded")).toBe("ok");
  });
  it("heads, trailers, lines between chunks and interim answers are capped", async () => {
    const chunked = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n";
    const ask = await known({
      "/header": endless("HTTP/1.1 200 OK\nx: ", "y".repeat(4096)),
      "/headers": endless("HTTP/1.1 200 OK\n", "x: y\n".repeat(500)),
      "/extension": endless(`${chunked}5;x=`, "y".repeat(4096)),
      "/trailers": endless(`${chunked}0\n`, "x: y\n".repeat(500)),
      "/interim": endless("", "HTTP/1.1 103 Early Hints\n\n".repeat(50)),
    });
    expect(await ask("/header")).toBe("too_large");
    expect(await ask("/headers")).toBe("too_large");
    expect(await ask("/extension")).toBe("protocol_error");
    expect(await ask("/trailers")).toBe("protocol_error");
    expect(await ask("/interim")).toBe("protocol_error");
  });
  it("the wall clock rules over both requests, wherever the answer hangs", async () => {
    const ask = await known(
      {
        "/hang": () => undefined,
        "/status": dripping("HTTP/1.1 200 ", "O"),
        "/headers": dripping("HTTP/1.1 200 OK\n", "x: y\n"),
        "/body": dripping("HTTP/1.1 200 OK\n\n", "."),
      },
      { timeoutMs: 400 },
    );
    for (const path of ["/hang", "/status", "/headers", "/body"]) {
      const startedMs = performance.now();
      expect(await ask(path)).toBe("timeout");
      expect(performance.now() - startedMs).toBeLessThan(1500);
    }
    let times = 0;
    const slow = await serve({
      "/slow": (socket) => void setTimeout(() => socket.end(loose), times++ === 0 ? 300 : 10_000),
    });
    const startedMs = performance.now();
    const answer = await web({ ...bare, timeoutMs: 600 }).getImage(slow.url("/slow"));
    expect(answer).toMatchObject({ reason: "timeout" });
    expect(performance.now() - startedMs).toBeLessThan(2000);
    expect(times).toBe(2);
  });
  it("an abort by the caller rejects and closes the connection", async () => {
    let closed: () => void = () => undefined;
    const isClosed = new Promise<void>((resolve) => (closed = resolve));
    const server = await serve({ "/first": loose, "/hang": (socket) => void socket.on("close", closed) });
    const one = web();
    await one.getImage(server.url("/first"));
    const aborter = new AbortController();
    const hanging = one.getImage(server.url("/hang"), { signal: aborter.signal });
    setTimeout(() => aborter.abort(new Error("stop")), 100);
    await expect(hanging).rejects.toThrow("stop");
    await isClosed;
  });
  it("closing the web ends its connections", async () => {
    const server = await serve({ "/first": loose, "/hang": () => undefined });
    const one = web({ ...bare, timeoutMs: 60_000 });
    await one.getImage(server.url("/first"));
    const hanging = one.getImage(server.url("/hang"));
    setTimeout(() => void one.close(), 100);
    expect(await hanging).toMatchObject({ reason: "protocol_error" });
  });
});

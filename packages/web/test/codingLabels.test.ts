import * as zlib from "node:zlib";
import { webSettings, type WebSettings } from "@pairloom/config";
import { afterEach, describe, expect, it } from "vitest";
import { openWeb } from "../src/openWeb.js";
import { contentCodings } from "../src/exchange/inflate.js";
import { rawServer, type RawRoute } from "./rawServer.js";

const { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } = zlib;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function opened(routes: Record<string, RawRoute>, settings: Partial<WebSettings> = {}) {
  const server = await rawServer(routes);
  const web = openWeb({
    settings: webSettings.parse({
      allowPrivate: ["127.0.0.0/8"],
      hostGapMs: 0,
      addressGapMs: 0,
      retries: 0,
      backoffMs: 1,
      ...settings,
    }),
  });
  closing.push(
    () => web.close(),
    () => server.close(),
  );
  return { web, server };
}

const picture = Buffer.from("\x89PNG\r\n these bytes pass for a picture", "latin1");
const coded = (body: Buffer | string, ...labels: string[]): Buffer =>
  Buffer.concat([
    Buffer.from(
      [
        "HTTP/1.1 200 OK",
        `Content-Length: ${body.length}`,
        "Connection: close",
        ...labels.map((label) => `Content-Encoding: ${label}`),
        "\r\n",
      ].join("\r\n"),
      "latin1",
    ),
    Buffer.from(body),
  ]);
const bare = { obeyRobots: false, obeyOptOuts: false };

describe("a label that names no coding leaves the bytes as they are", () => {
  it.each<[name: string, labels: string[], body: Buffer]>([
    ...["none", "utf-8", "UTF-8", "aws-chunked", "binary", "image/png", "", "8bit", "null", "identity", "base64", "snappy", "\xe9", ", ,", "text/html; charset=utf-8"].map(
      (label): [string, string[], Buffer] => [JSON.stringify(label), [label], picture],
    ),
    ["several", ["none", "utf-8, identity"], picture],
    ["beside gzip", ["aws-chunked,gzip"], gzipSync(picture)],
    ["behind gzip", ["gzip, aws-chunked"], gzipSync(picture)],
    ["in a line of its own", ["gzip", "none"], gzipSync(picture)],
    ["five of them and three codings", ["a, gzip, b, br, c, deflate, d, e"], deflateSync(brotliCompressSync(gzipSync(picture)))],
  ])("%s", async (_name, labels, body) => {
    const { web, server } = await opened({ "/a.png": coded(body, ...labels) }, bare);
    const answer = await web.getImage(server.url("/a.png"));
    expect(answer.status === "ok" && answer.body.whole().equals(picture)).toBe(true);
    const page = await web.getPage(server.url("/a.png"));
    expect(page.status === "ok" && page.body.whole().equals(picture)).toBe(true);
  });
}); // prettier-ignore

it.each<[string, string[], Buffer, string]>([
  ["gzip twice", ["gzip, gzip"], gzipSync(gzipSync(picture)), "ok"],
  ["upper case and x-", ["X-GZip"], gzipSync(picture), "ok"],
  ["deflate within zlib's frame", ["deflate"], deflateSync(picture), "ok"],
  ["deflate alone", ["deflate"], deflateRawSync(picture), "ok"],
  ["gzip that is none, as in browsers", ["gzip"], picture, "protocol_error"],
  ["br that is none", ["br"], picture, "protocol_error"],
  ["four codings", ["gzip, gzip, gzip, gzip"], gzipSync(picture), "coding_refused"],
  ["compress", ["compress"], picture, "coding_refused"],
  ["compress beside a name", ["none, x-compress"], picture, "coding_refused"],
  ["a dictionary's coding", ["dcb"], picture, "coding_refused"],
])("%s", async (_name, labels, body, expected) => {
  const { web, server } = await opened({ "/a.png": coded(body, ...labels) }, bare);
  const answer = await web.getImage(server.url("/a.png"));
  expect(answer.status === "ok" ? "ok" : answer.reason).toBe(expected);
  if (answer.status === "ok") expect(answer.body.whole().equals(picture)).toBe(true);
});

const { zstdCompressSync } = zlib as { zstdCompressSync?: (bytes: Buffer) => Buffer };
it("zstd is undone where Node can, its bytes capped, and refused where it can't", async () => {
  const body = zstdCompressSync?.(picture) ?? picture;
  const bomb = zstdCompressSync?.(Buffer.alloc(5_000_000)) ?? picture;
  const { web, server } = await opened(
    { "/a.png": coded(body, "zstd"), "/bomb.png": coded(bomb, "zstd") },
    { ...bare, maxInflatedBytes: 1_000_000 },
  );
  const [answer, big] = [
    await web.getImage(server.url("/a.png")),
    await web.getImage(server.url("/bomb.png")),
  ];
  if (zstdCompressSync === undefined) {
    expect(answer).toMatchObject({ reason: "coding_refused" });
  } else {
    expect(answer.status === "ok" && answer.body.whole().equals(picture)).toBe(true);
    expect(big).toMatchObject({ reason: "inflated_too_large" });
  }
});

describe("a robots.txt whose label", () => {
  const rules = "User-agent: *\nDisallow: /private/\n";
  it.each<[string, Buffer]>([
    ["names no coding", coded(rules, "UTF-8")],
    ["is blank", coded(rules, "")],
    ["names one that it isn't in", coded(rules, "gzip")],
    ["names two that it isn't in", coded(`\ufeff${rules}`, "br, deflate")],
    ["holds", coded(gzipSync(rules), "aws-chunked, gzip")],
    ["holds, raw", coded(deflateRawSync(rules), "deflate")],
  ])("%s is read, and its rules hold", async (_name, robots) => {
    const { web, server } = await opened({ "/robots.txt": robots, "/a.png": coded(picture), "/private/a.png": coded(picture) }); // prettier-ignore
    expect(await web.getImage(server.url("/a.png"))).toMatchObject({ status: "ok" });
    expect(await web.getImage(server.url("/private/a.png"))).toMatchObject({ reason: "robots_disallowed" });
  });
  it("names one that nobody here undoes means no", async () => {
    const { web, server } = await opened({ "/robots.txt": coded("\x1f\x9d\x90", "compress"), "/a.png": coded(picture) }); // prettier-ignore
    expect(await web.getImage(server.url("/a.png"))).toMatchObject({ reason: "robots_unreachable" });
  });
  it("says gzip, but whose bytes are neither that nor text, means no", async () => {
    const { web, server } = await opened({ "/robots.txt": coded("\x00\x01garbage", "gzip"), "/a.png": coded(picture) }); // prettier-ignore
    expect(await web.getImage(server.url("/a.png"))).toMatchObject({ reason: "robots_unreachable" });
  });
});

it("inflated bytes are capped beside names that are no coding", async () => {
  const bomb = coded(gzipSync(Buffer.alloc(5_000_000)), "none, gzip, utf-8");
  const { web, server } = await opened({ "/a.png": bomb }, { ...bare, maxInflatedBytes: 1_000_000 });
  expect(await web.getImage(server.url("/a.png"))).toMatchObject({ reason: "inflated_too_large" });
});

it("names of an object's prototype are no codings", () => {
  expect(contentCodings("constructor, __proto__, toString")).toEqual([]);
});

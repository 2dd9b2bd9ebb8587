import fc from "fast-check";
import { expect, it } from "vitest";
import { BoundedCache } from "../src/boundedCache.js";
import { Body } from "../src/exchange/body.js";
import { HostHealth } from "../src/hostHealth.js";
import { aiTxtForbids, parseAiTxt } from "../src/optouts/aiTxt.js";
import { robotsDirectives } from "../src/optouts/robotsDirectives.js";
import { siteFileText } from "../src/optouts/siteFileText.js";
import { parseTdmrep, tdmReserves } from "../src/optouts/tdmReservation.js";
import { refusesTraining } from "../src/optouts/usagePreference.js";
import { backoffMs, retryAfterMs } from "../src/retryPolicy.js";
import { userAgent } from "../src/userAgent.js";

const ours = new Set(["pairloom", "gptbot"]);

it.each([
  ["noai, NoIndex", ["noai", "noindex"]],
  ["pairloom: noai", ["noai"]],
  ["GPTBot: noai, noimageai", ["noai", "noimageai"]],
  ["googlebot: noindex, pairloom: noai, other: none", ["noai"]],
  ["*: noai", ["noai"]],
  ["unavailable_after: 2030-01-01, max-snippet:-1, noai", ["2030-01-01", "noai"].slice(1)],
  ["max-image-preview: large", []],
  ["", []],
])("directives of %s", (value, expected) => {
  expect(robotsDirectives(value, ours)).toEqual(expected);
});

it.each([
  ["train-ai=n", true],
  ["search=y, train-ai=n", true],
  ["train-ai=y, bots=n", false],
  ["bots=n", true],
  ["ai-train=no", true],
  ["ai-train=yes", false],
  ["search=n", false],
  ["train-ai", false],
  ["train-ai=n;exception=x", true],
  ["", false],
])("usage preference %s", (text, refused) => {
  expect(refusesTraining(text)).toBe(refused);
});

it("tdmrep.json: the longest location decides; anything else holds no rules", async () => {
  const rules = parseTdmrep(
    JSON.stringify([
      { location: "/*", "tdm-reservation": 1, "tdm-policy": "https://x" },
      { location: "/free/*", "tdm-reservation": 0 },
      { location: "images/*.png$", "tdm-reservation": "1" },
      { nonsense: 1 },
      null,
    ]),
  );
  const reserved = (path: string) => tdmReserves(rules, new URL(`http://x${path}`));
  expect(await Promise.all(["/a", "/free/a", "/images/a.png"].map(reserved))).toEqual([true, false, true]);
  for (const text of ["", "<html>", "{}", "[1]", '"x"', "null", "[".repeat(50_000)])
    expect(parseTdmrep(text)).toEqual([]);
});

it("ai.txt: kinds of files and paths", async () => {
  const forbids = async (text: string, url: string, also: string[] = []) =>
    aiTxtForbids(await parseAiTxt(text), new URL(url), "pairloom", also);
  const text =
    "User-Agent: *\nDisallow: *.jpg\nDisallow: .png\nAllow: /\nUser-Agent: img2dataset\nDisallow: /";
  expect(await forbids(text, "http://x/a.jpg?w=1")).toBe(true);
  expect(await forbids(text, "http://x/a.png")).toBe(true);
  expect(await forbids(text, "http://x/a.webp")).toBe(false);
  expect(await forbids(text, "http://x/a.webp", ["img2dataset"])).toBe(true);
});

it.each([
  ["text/html", "User-agent: *", false],
  ["application/xhtml+xml", "User-agent: *", false],
  ["text/plain", "User-agent: *", true],
  ["application/octet-stream", "\uFEFFUser-agent: *", true],
  ["application/json", "[]", true],
  [null, "# < is no markup here", true],
  ["text/plain", "\uFEFF\n <!DOCTYPE html>", false],
  ["text/plain", "<!-- app -->", false],
  [null, "<?xml version='1.0'?>", false],
  ["application/json", "<div id=root>", false],
])("a site's file by the type %s that begins with %j is read: %s", (contentType, text, isRead) => {
  const rest = { finalUrl: "", httpStatus: 200, headers: {}, charset: null, optOuts: [] };
  const answer = { status: "ok" as const, body: Body.of(Buffer.from(text)), contentType, ...rest };
  expect(siteFileText(answer) === null).toBe(!isRead);
});

it("Retry-After is seconds or a date", () => {
  const now = Date.parse("2030-01-01T00:00:00Z");
  expect(retryAfterMs("120", now)).toBe(120_000);
  expect(retryAfterMs("Tue, 01 Jan 2030 00:01:00 GMT", now)).toBe(60_000);
  expect(retryAfterMs("Tue, 01 Jan 2019 00:01:00 GMT", now)).toBe(0);
  // The obsolete forms are to be read as well (RFC 9110 §5.6.7), asctime's in UTC.
  expect(retryAfterMs("Tuesday, 01-Jan-30 00:01:00 GMT", now)).toBe(60_000);
  expect(retryAfterMs("Tue Jan  1 00:01:00 2030", now)).toBe(60_000);
  for (const text of [undefined, "", "soon", "-5", "1.5"]) expect(retryAfterMs(text, now)).toBeNull();
});

it("backoff doubles, has a cap, and is spread over all of its range", () => {
  expect([0, 1, 2, 20].map((attempt) => backoffMs(500, attempt, () => 1, 60_000))).toEqual([
    500, 1000, 2000, 60_000,
  ]);
  expect(backoffMs(500, 3, () => 0)).toBe(0);
});

it("a cache never holds more than its weight, forgets the least used and what is too old", () => {
  let now = 0;
  const cache = new BoundedCache<number>(3, () => now);
  cache.set("a", 1, 100);
  cache.set("b", 2, 100);
  cache.set("c", 3, 50);
  cache.get("a");
  cache.set("d", 4, 100);
  expect([cache.get("a"), cache.get("b"), cache.get("c"), cache.get("d")]).toEqual([1, undefined, 3, 4]);
  now = 60;
  expect(cache.get("c")).toBeUndefined();
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 3 }))), (sets) => {
      const small = new BoundedCache<number>(5, () => 0);
      for (const [key, weight] of sets) small.set(String(key), key, 10, weight);
      expect(small.size).toBeLessThanOrEqual(5);
    }),
  );
});

it("a load that fails is shared by those who wait and then forgotten", async () => {
  const cache = new BoundedCache<number>(3);
  let loads = 0;
  const fail = () => cache.load("a", async () => Promise.reject(new Error(`no ${++loads}`)));
  await Promise.all([expect(fail()).rejects.toThrow("no 1"), expect(fail()).rejects.toThrow("no 1")]);
  expect(await cache.load("a", async () => ({ value: 7, ttlMs: 10 }))).toBe(7);
});

it("a host comes back after its time aside, and goes again at its next failure", () => {
  let now = 0;
  const health = new HostHealth(2, 1000, () => now);
  health.failed("a");
  health.reached("a");
  health.failed("a");
  expect(health.isAside("a")).toBe(false);
  health.failed("a");
  expect(health.isAside("a")).toBe(true);
  now = 1001;
  expect(health.isAside("a")).toBe(false);
  health.failed("a");
  expect(health.isAside("a")).toBe(true);
});

it("the User-Agent can't be used to smuggle a header", () => {
  expect(userAgent({ userAgentToken: "pairloom", contact: "a@b.c\r\nX-Evil: 1 (x)" })).toBe(
    "pairloom/0.1 (+a@b.cX-Evil: 1 x)",
  );
  expect(userAgent({ userAgentToken: "pairloom", contact: null })).toBe("pairloom/0.1");
});

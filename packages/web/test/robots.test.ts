import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { crawlDelayMs, isAllowed, isAllowedByName } from "../src/robots/isAllowed.js";
import { parseRobots } from "../src/robots/parseRobots.js";
import { comparablePath, pathPattern } from "../src/robots/pathPattern.js";
import { robotsVerdicts } from "../src/robots/robotsVerdicts.js";

const at = (path: string) => `https://site.test${path}`;
const allowed = (robots: string, path: string, agent = "pairloom") =>
  isAllowed(parseRobots(robots), agent, at(path)).allowed;

describe("groups (RFC 9309 §2.2.1)", () => {
  const text = `User-agent: *
Disallow: /all
User-agent: Pairloom/9.9 (whatever)
User-agent: other
Disallow: /ours
Allow: /ours/open
user-agent: PAIRLOOM
Disallow: /second`;
  it.each([
    ["/all", true],
    ["/ours", false],
    ["/ours/open", true],
    ["/second", false],
  ])("the groups that name us are merged and rule over *: %s", (path, expected) => {
    expect(allowed(text, path)).toBe(expected);
  });
  it("others get theirs, strangers get *", () => {
    expect([allowed(text, "/ours", "other"), allowed(text, "/second", "other")]).toEqual([false, true]);
    expect([allowed(text, "/all", "stranger"), allowed(text, "/ours", "stranger")]).toEqual([false, true]);
  });
  it("a token that ours begins with, or that begins with ours, is another crawler", () => {
    expect(allowed("User-agent: pair\nDisallow: /\nUser-agent: pairloom-news\nDisallow: /", "/x")).toBe(true);
  });
  it("a whole User-Agent is as good as a token", () => {
    expect(allowed("User-agent: pairloom\nDisallow: /", "/x", "Pairloom/0.1 (+https://x)")).toBe(false);
  });
  it("rules before any group are nobody's; no group means all is allowed", () => {
    expect(allowed("Disallow: /\nUser-agent: a\nDisallow: /", "/x")).toBe(true);
    expect(allowed("", "/x")).toBe(true);
  });
  it("records we don't know don't part a group", () => {
    expect(
      allowed(
        "User-agent: pairloom\nCrawl-delay: 1\nSitemap: x\nHost: y\nUser-agent: b\n\nDisallow: /",
        "/x",
      ),
    ).toBe(false);
  });
  it("a token we obey by name must be named", () => {
    const robots = parseRobots("User-agent: *\nDisallow: /\nUser-agent: GPTBot\nAllow: /");
    expect(isAllowedByName(robots, "CCBot", new URL(at("/")))).toBeNull();
    expect(isAllowedByName(robots, "gptbot", new URL(at("/")))).toMatchObject({ allowed: true });
  });
});

describe("matching (RFC 9309 §2.2.2 and §2.2.3)", () => {
  it.each([
    ["Disallow: /fish", "/fish.html", false],
    ["Disallow: /fish", "/Fish", true],
    ["Disallow: /fish*", "/fishheads/y?id=1", false],
    ["Disallow: /fish/", "/fish", true],
    ["Disallow: /*.php", "/a/b.php?x", false],
    ["Disallow: /*.php$", "/a/b.php?x", true],
    ["Disallow: /*.php$", "/a/b.php", false],
    ["Disallow: /*.php$", "/a.php/b.php", false],
    ["Disallow: /a*b*c$", "/abbbcbc", false],
    ["Disallow: /a*b*c$", "/acb", true],
    ["Disallow: /p$", "/p", false],
    ["Disallow: /p$", "/p/", true],
    ["Disallow: /$", "/", false],
    ["Disallow: /$", "/x", true],
    ["Disallow: *", "/x", false],
    ["Disallow: */x", "/a/x", false],
    ["Disallow:", "/x", true],
    ["Disallow: /x # not /y", "/x", false],
    ["Disallow: /a$b", "/a$b", false],
    ["Disallow: /a%24", "/a$", false],
    ["Disallow: /a-%2A.html", "/a-*.html", false],
    ["Disallow: /a-%2A.html", "/a-b.html", true],
    ["Disallow: /foo/bar/ツ", "/foo/bar/%E3%83%84", false],
    ["Disallow: /foo/bar/%e3%83%84", "/foo/bar/ツ", false],
    ["Disallow: /foo/bar/%62%61%7A", "/foo/bar/baz", false],
    ["Disallow: /a%2Fb", "/a/b", true],
    ["Disallow: /foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar", false],
    ["Disallow: /foo/bar?baz=https://foo.bar", "/foo/bar?baz=https://foo.bar", false],
    ["Disallow: /*/secret", "/x?to=/secret", false],
    ["Disallow: /*?sort=", "/list?sort=up", false],
    ["Disallow: /*?sort=", "/list?page=2&sort=up", true],
    ["Disallow: /search?q=a+b", "/search?q=a+b", false],
    ["Disallow: /\nAllow: /$", "/", true],
    ["Disallow: /\nAllow: /$", "/x", false],
    ["Disallow: /folder\nAllow: /folder", "/folder/x", true],
    ["Allow: /page\nDisallow: /*.htm", "/page.htm", false],
    ["Allow: /\nDisallow: /", "/x", true],
    ["Disallow: /\nAllow: /robots", "/robots.txt", true],
    ["Disallow: /", "/robots.txt", true],
    ["Disallow: fish", "/fish", true],
    ["Disalow: /x", "/x", false],
  ])("%s and %s", (rules, path, expected) => {
    expect(allowed(`User-agent: *\n${rules}`, path)).toBe(expected);
  });
  it("the deciding line is named as it stands in the file", () => {
    const text = "User-agent: *\nallow:/a/open  # here\nDisallow :  /a";
    expect(robotsVerdicts(text, "x", [at("/a/open/1"), at("/a"), at("/b"), "/a?q", "http://["])).toEqual({
      urls: [
        { url: at("/a/open/1"), allowed: true, rule: "allow:/a/open" },
        { url: at("/a"), allowed: false, rule: "Disallow :  /a" },
        { url: at("/b"), allowed: true, rule: null },
        { url: "/a?q", allowed: false, rule: "Disallow :  /a" },
        { url: "http://[", allowed: false, rule: null },
      ],
    });
  });
});

describe("the file", () => {
  it("a byte order mark, CR, CRLF and bytes that are no UTF-8 are taken", () => {
    expect(allowed("\ufeffUser-agent: *\r\nDisallow: /x\rDisallow: /y", "/x")).toBe(false);
    expect(allowed("\ufeffUser-agent: *\r\nDisallow: /x\rDisallow: /y", "/y")).toBe(false);
    const bytes = Buffer.concat([
      Buffer.from([0xef, 0xbb, 0xbf]),
      Buffer.from("User-agent: *\n"),
      Buffer.from([0xff, 0xfe, 10]),
      Buffer.from("Disallow: /x"),
    ]);
    expect(isAllowed(parseRobots(bytes), "a", at("/x")).allowed).toBe(false);
  });
  it("500 KiB are read, the line cut there is not", () => {
    const head = "User-agent: *\nDisallow: /x\n";
    const rule = "Allow: /xyz";
    const padding = "#".repeat(500 * 1024 - head.length - 8) + "\n";
    expect(allowed(`${head}${padding}${rule}`, "/xyz")).toBe(false);
    expect(allowed(`${head}${rule}\n${padding}`, "/xyz")).toBe(true);
  });
  it("Crawl-delay and sitemaps are read", () => {
    const robots = parseRobots(
      "Sitemap: https://x/s.xml\nUser-agent: *\nCrawl-delay: 2.5\nDisallow:/x\nUser-agent: b\nCrawl-delay: soon",
    );
    expect([crawlDelayMs(robots, "x"), crawlDelayMs(robots, "b"), robots.sitemaps]).toEqual([
      2500,
      null,
      ["https://x/s.xml"],
    ]);
  });
});

describe("any input", () => {
  it("any text is read, any URL gets an answer", () => {
    const line = fc.oneof(
      fc.string(),
      fc
        .tuple(
          fc.constantFrom("User-agent", "Disallow", "Allow", "Crawl-delay", "Content-Usage"),
          fc.string({ unit: "binary" }),
        )
        .map(([k, v]) => `${k}: ${v}`),
    );
    fc.assert(
      fc.property(
        fc.array(line).map((lines) => lines.join("\n")),
        fc.webUrl({ withQueryParameters: true }),
        (text, url) => {
          const { allowed, rule } = isAllowed(parseRobots(text), "pairloom", url);
          expect(allowed || rule !== null).toBe(true);
        },
      ),
    );
  });
  it("a pattern matches what a regular expression of the same meaning matches", () => {
    const part = fc.constantFrom("a", "b", "/", "*", "$", "?", ".");
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 8 }),
        fc.array(fc.constantFrom("a", "b", "/", "."), { maxLength: 10 }),
        (p, u) => {
          const pattern = `/${p.join("")}`;
          const path = comparablePath(new URL(`http://x/${u.join("").replace(/\/\/+/g, "/")}`));
          const end = pattern.endsWith("$");
          const body = (end ? pattern.slice(0, -1) : pattern)
            .split("*")
            .map((piece) => piece.replace(/\$/g, "%24").replace(/[.?$]/g, "\\$&"))
            .join(".*");
          expect(pathPattern(pattern).matches(path)).toBe(
            new RegExp(`^${body}${end ? "$" : ""}`).test(path.text),
          );
        },
      ),
      { numRuns: 2000 },
    );
  });
  it("a long pattern of stars takes no time", () => {
    const startedMs = performance.now();
    allowed(`User-agent: *\nDisallow: /${"*a".repeat(2000)}b$`, `/${"a".repeat(8000)}`);
    expect(performance.now() - startedMs).toBeLessThan(1000);
  });
});

describe("files in other encodings than UTF-8", () => {
  const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
  const disallowed = (bytes: Buffer, path: string): boolean =>
    !isAllowed(parseRobots(bytes), "pairloom", at(path)).allowed;
  const rules = "User-agent: *\nDisallow: /café\nDisallow: /à # à";
  it("bytes that are no UTF-8 stand for themselves, as in addresses", () => {
    expect(disallowed(latin1(rules), "/caf%E9.png")).toBe(true);
    expect(disallowed(latin1(rules), "/caf%C3%A9.png")).toBe(false);
    expect(parseRobots(latin1("Sitemap: http://x.test/caf\xe9.xml")).sitemaps).toEqual([
      "http://x.test/caf%E9.xml",
    ]);
  });
  it("UTF-8 in one line and not in another is read line by line", () => {
    const mixed = Buffer.concat([
      Buffer.from(`${rules}\nDisallow: /`),
      latin1("\xfcber\n"),
      Buffer.from("# é"),
    ]);
    expect(["/caf%C3%A9", "/%C3%A0", "/%FCber"].map((path) => disallowed(mixed, path))).toEqual([
      true,
      true,
      true,
    ]);
    expect(parseRobots(mixed).groups[0]?.rules.map(({ text }) => text)).toEqual([
      "Disallow: /café",
      "Disallow: /à",
      "Disallow: /%FCber",
    ]);
  });
  it("UTF-16 with a mark is read", () => {
    const little = Buffer.from(`\ufeff${rules}`, "utf16le");
    expect(disallowed(little, "/caf%C3%A9")).toBe(true);
    expect(disallowed(Buffer.from(little).swap16(), "/%C3%A0")).toBe(true);
    expect(disallowed(Buffer.from(`\ufeff${rules}`), "/%C3%A0")).toBe(true);
  });
});

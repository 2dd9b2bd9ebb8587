import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addressPolicy } from "../src/address/addressPolicy.js";
import { checkUrl } from "../src/address/checkUrl.js";
import { canonicalPageUrl } from "../src/canonicalPageUrl.js";
import { canonicalUrl } from "../src/canonicalUrl.js";
import { mediaType } from "../src/webAnswer.js";

describe("canonicalUrl", () => {
  it.each([
    ["HTTP://EXAMPLE.com", "http://example.com/"],
    ["https://example.com:443/a", "https://example.com/a"],
    ["http://example.com:8080/a", "http://example.com:8080/a"],
    ["http://example.com./a", "http://example.com/a"],
    ["http://bücher.example/a", "http://xn--bcher-kva.example/a"],
    ["http://e.x/a/./b/../c#frag", "http://e.x/a/c"],
    ["http://e.x/%7Ea/%2fb/%e3%83%84/é", "http://e.x/~a/%2Fb/%E3%83%84/%C3%A9"],
    ["http://e.x/a?b=2&a=1", "http://e.x/a?b=2&a=1"],
    ["http://e.x/a?utm_source=x&b=2&utm_Medium=y&fbclid=z", "http://e.x/a?b=2"],
    ["http://e.x/a?utm%5Fsource=x", "http://e.x/a"],
    ["http://e.x/a?", "http://e.x/a"],
    ["http://e.x/a?utmost=1&b", "http://e.x/a?utmost=1&b"],
    ["http://user:pw@e.x/a", "http://e.x/a"],
    ["http://0x7f.1/", "http://127.0.0.1/"],
    [" not a url ", "not a url"],
  ])("%s", (from, to) => {
    expect(canonicalUrl(from)).toBe(to);
  });
  it("doing it twice changes nothing", () => {
    const url = fc.oneof(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.tuple(fc.webUrl(), fc.string({ unit: "binary" })).map(([base, tail]) => base + tail),
      fc
        .array(fc.constantFrom("%", "2", "3", "4", "5", "E", "e", "/", ".", "?", "&", "a", "#"), {
          maxLength: 14,
        })
        .map((tail) => `http://e.x/${tail.join("")}`),
    );
    fc.assert(
      fc.property(url, (text) => {
        const once = canonicalUrl(text);
        expect(canonicalUrl(once)).toBe(once);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("canonicalPageUrl", () => {
  const hex = "0123456789abcdef";
  it.each([
    [`/item.html;jsessionid=${hex}?PHPSESSID=${hex}&amp=1&sid=${hex}`, "/item.html?amp=1"],
    ["/a;JSESSIONID=1A.node1!7/b;v=2?x=1", "/a/b;v=2?x=1"],
    ["/a?x=1;jsessionid=7&y=2", "/a?x=1&y=2"],
    ["/a.asp?ASPSESSIONIDQQBA=GHJ&id=7", "/a.asp?id=7"],
    ["/a.cfm?CFID=12&CFTOKEN=34&id=7", "/a.cfm?id=7"],
    ["/a?cfid=12", "/a?cfid=12"],
    ["/(S(lit3py55t21z5v55vlm25s55))/shop/a.aspx", "/shop/a.aspx"],
    ["/notes(S(lit3py55t21z5v55vlm25s55))", "/notes(S(lit3py55t21z5v55vlm25s55))"],
    ["/a?session_id=8f14e45f-ceea-467f-a8b0-9c2d3e4f5a6b", "/a"],
    ["/a?s=d41d8cd98f00b204e9800998ecf8427e&t=5", "/a?t=5"],
    ["/a?PHP%53ESSID=1&utm_source=x#y", "/a"],
    ["/..;jsessionid=1/a", "/a"],
    // content
    ["/talks?session_id=12", "/talks?session_id=12"],
    ["/story?sid=2020/red-kites-over-wales", "/story?sid=2020/red-kites-over-wales"],
    ["/story?sid=1234567", "/story?sid=1234567"],
    ["/search?s=photographsofredkites", "/search?s=photographsofredkites"],
    [`/photo?hash=${hex}${hex}`, `/photo?hash=${hex}${hex}`],
    ["/a;v=1?b=2&a=%2F", "/a;v=1?b=2&a=%2F"],
  ])("%s", (from, to) => {
    expect(canonicalPageUrl(`http://e.x${from}`)).toBe(`http://e.x${to}`);
  });
  it("doing it twice changes nothing", () => {
    const pieces = [
      "/",
      ";",
      "?",
      "&",
      "=",
      "..",
      "a",
      "jsessionid",
      "sid",
      `${hex}`,
      "(S(lit3py55t21z5v55vlm25s55))",
      "%",
      "3B",
    ];
    const url = fc
      .array(fc.constantFrom(...pieces), { maxLength: 12 })
      .map((tail) => `http://e.x/${tail.join("")}`);
    fc.assert(
      fc.property(url, (text) => {
        const once = canonicalPageUrl(text);
        expect(canonicalPageUrl(once)).toBe(once);
        expect(canonicalUrl(once)).toBe(once);
      }),
      { numRuns: 3000 },
    );
  });
});

describe("checkUrl", () => {
  it("drops the fragment and the host's dot", () => {
    const checked = checkUrl("http://Example.COM./a#b");
    expect(checked.ok && checked.url.href).toBe("http://example.com/a");
  });
  it("never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => typeof checkUrl(text).ok === "boolean"));
  });
  it("refuses a URL of 10,000 characters", () => {
    expect(checkUrl(`http://e.x/${"a".repeat(10_000)}`)).toMatchObject({ ok: false, reason: "url_invalid" });
  });
});

describe("addressPolicy", () => {
  const policy = addressPolicy(["127.0.0.0/8", "fd00::/8"], [80]);
  it.each([
    ["93.184.215.14", "public"],
    ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "public"],
    ["64:ff9b::5db8:d70e", "public"],
    ["127.0.0.1", "allowed_private"],
    ["::ffff:127.0.0.1", "allowed_private"],
    ["64:ff9b::7f00:1", "allowed_private"],
    ["fd12::1", "allowed_private"],
    ["64:ff9b:1::7f00:1", "refused"],
    ["::127.0.0.1", "refused"],
    ["2002:7f00:1::", "refused"],
    ["2001:0:4136:e378:8000:63bf:3fff:fdd2", "refused"],
    ["2001:db8::1", "refused"],
    ["4000::1", "refused"],
    ["fe80::1%eth0", "refused"],
    ["ff02::1", "refused"],
    ["192.0.2.1", "refused"],
    ["198.18.0.1", "refused"],
    ["224.0.0.1", "refused"],
    ["0.0.0.0", "refused"],
    ["127.1", "refused"],
    ["nonsense", "refused"],
  ])("%s is %s", (address, verdict) => {
    expect(policy.verdict(address)).toBe(verdict);
  });
  it("public addresses are asked at listed ports, allowed private ones at any", () => {
    expect([
      policy.permits("93.184.215.14", 80),
      policy.permits("93.184.215.14", 81),
      policy.permits("127.0.0.1", 81),
      policy.permits("10.0.0.1", 80),
    ]).toEqual([true, false, true, false]);
  });
  it("a block that is none is the user's error", () => {
    expect(() => addressPolicy(["127.0.0.1/99"], [])).toThrow("127.0.0.1/99");
  });
});

it.each([
  ["text/HTML; Charset=UTF-8", ["text/html", "utf-8"]],
  ['text/html;charset="ISO-8859-1"', ["text/html", "iso-8859-1"]],
  ["text/html;; x=y", ["text/html", null]],
  ["text/html; charset='utf-8'", ["text/html", "utf-8"]],
  ["text/html;charset=utf-8, text/html", ["text/html", "utf-8"]],
  [
    ["text/html; charset=utf-8", "text/html"],
    ["text/html", "utf-8"],
  ],
  [
    ["text/plain; charset=utf-8", "text/html"],
    ["text/html", null],
  ],
  [
    ["text/html; charset=a", "text/html; charset=b"],
    ["text/html", "b"],
  ],
  [
    ["text/html; charset=a", "*/*", "nonsense"],
    ["text/html", "a"],
  ],
  ['text/html; x="a,b"; charset=utf-8', ["text/html", "utf-8"]],
  ["", [null, null]],
  [undefined, [null, null]],
])("media type %s", (header, expected) => {
  expect(mediaType(header)).toEqual(expected);
});

import { expect, it } from "vitest";
import { isAllowed } from "../src/robots/isAllowed.js";
import { parseRobots } from "../src/robots/parseRobots.js";

/*
 * What Google's parser answers, as its own tests state it (github.com/google/robotstxt, robots_test.cc at 21fc90b,
 * Apache-2.0): the facts, in a table of ours. Left out: an empty URL or agent (none of ours is), "index.html" as another
 * name of its folder (Google's alone), raw non-ASCII in a URL and "%62" kept apart from "b" (its caller is to encode and
 * decode; ours compares them as RFC 9309 §2.2.2 wants).
 */
const groups = `allow: /foo/bar/

user-agent: FooBot
disallow: /
allow: /x/
user-agent: BarBot
disallow: /
allow: /y/


allow: /w/
user-agent: BazBot

user-agent: FooBot
allow: /z/
disallow: /`;
const rules = (...lines: string[]): string => ["user-agent: FooBot", ...lines].join("\n");
const only = (allow: string): string => rules("disallow: /", `allow: ${allow}`);
const spaced = "User-Agent: *\nDisallow: /\nUser-Agent: Foo Bar\nAllow: /x/\nDisallow: /";

const allowed: [robots: string, agent: string, path: string][] = [
  ["foo: FooBot\nbar: /", "FooBot", "/x/y"],
  [groups, "FooBot", "/x/b"],
  [groups, "FooBot", "/z/d"],
  [groups, "BarBot", "/y/c"],
  [groups, "BarBot", "/w/a"],
  [groups, "BazBot", "/z/d"],
  ["USER-AGENT: FooBot\nALLOW: /x/\nDISALLOW: /", "FooBot", "/x/y"],
  ["uSeR-aGeNt: FooBot\nAlLoW: /x/\ndIsAlLoW: /", "FooBot", "/x/y"],
  ["User-Agent: FoO bAr\nAllow: /x/\nDisallow: /", "foo", "/x/y"],
  [spaced, "Foo", "/x/y"],
  ["", "FooBot", "/x/y"],
  ["user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /", "BarBot", "/x/y"],
  ["user-agent: FooBot\nallow: /\nuser-agent: BarBot\ndisallow: /", "QuxBot", "/x/y"],
  [rules("disallow: /X/"), "FooBot", "/x/y"],
  [rules("allow: /x/page.html", "disallow: /x/"), "FooBot", "/x/page.html"],
  [rules("disallow: ", "allow: "), "FooBot", "/x/page.html"],
  [rules("disallow: /", "allow: /"), "FooBot", "/x/page.html"],
  [rules("disallow: /x", "allow: /x/"), "FooBot", "/x/"],
  [rules("disallow: /x/page.html", "allow: /x/page.html"), "FooBot", "/x/page.html"],
  [rules("allow: /page", "disallow: /*.html"), "FooBot", "/page"],
  [rules("allow: /x/page.", "disallow: /*.html"), "FooBot", "/x/page.html"],
  ["User-agent: *\nDisallow: /x/\nUser-agent: FooBot\nDisallow: /y/", "FooBot", "/x/page"],
  [
    only("/foo/bar?qux=taz&baz=http://foo.bar?tar&par"),
    "FooBot",
    "/foo/bar?qux=taz&baz=http://foo.bar?tar&par",
  ],
  [only("/foo/bar/ツ"), "FooBot", "/foo/bar/%E3%83%84"],
  [only("/foo/bar/%E3%83%84"), "FooBot", "/foo/bar/%E3%83%84"],
  [only("/foo/bar/%62%61%7A"), "FooBot", "/foo/bar/%62%61%7A"],
  [rules("Disallow: /foo/bar/quz", "Allow: /foo/*/qux"), "FooBot", "/foo/quz"],
  [rules("Disallow: /foo/bar/quz", "Allow: /foo/*/qux"), "FooBot", "/foo//quz"],
  [rules("Disallow: /foo/bar$", "Allow: /foo/bar/qux"), "FooBot", "/foo/bar/qux"],
  [rules("Disallow: /foo/bar$", "Allow: /foo/bar/qux"), "FooBot", "/foo/bar/"],
  [rules("# Disallow: /", "Disallow: /foo/quz#qux", "Allow: /"), "FooBot", "/foo/bar"],
  [only("/fish"), "FooBot", "/fish/salmon.html"],
  [only("/fish"), "FooBot", "/fish.html?id=anything"],
  [only("/fish*"), "FooBot", "/fish"],
  [only("/fish*"), "FooBot", "/fishheads/yummy.html"],
  [only("/fish/"), "FooBot", "/fish/?salmon"],
  [only("/*.php"), "FooBot", "/folder/filename.php?parameters"],
  [only("/*.php"), "FooBot", "//folder/any.php.file.html"],
  [only("/*.php"), "FooBot", "/index?f=filename.php/"],
  [only("/*.php$"), "FooBot", "/folder/filename.php"],
  [only("/fish*.php"), "FooBot", "/fishheads/catfish.php?parameters"],
  [rules("allow: /p", "disallow: /"), "FooBot", "/page"],
  [rules("allow: /folder", "disallow: /folder"), "FooBot", "/folder/page"],
  [rules("allow: /$", "disallow: /"), "FooBot", "/"],
];
const disallowed: typeof allowed = [
  ["user-agent: FooBot\ndisallow: /", "FooBot", "/x/y"],
  ["user-agent FooBot\ndisallow /", "FooBot", "/x/y"],
  [groups, "FooBot", "/y/c"],
  [groups, "BarBot", "/z/d"],
  [groups, "FooBot", "/foo/bar/"],
  [groups, "BazBot", "/foo/bar/"],
  ["USER-AGENT: FooBot\nALLOW: /x/\nDISALLOW: /", "FooBot", "/a/b"],
  ["User-Agent: FOO BAR\nAllow: /x/\nDisallow: /", "Foo", "/a/b"],
  ["user-agent: *\nallow: /\nuser-agent: FooBot\ndisallow: /", "FooBot", "/x/y"],
  [rules("disallow: /x/"), "FooBot", "/x/y"],
  [rules("disallow: /x/page.html", "allow: /x/"), "FooBot", "/x/page.html"],
  [rules("allow: /x/page.html", "disallow: /x/"), "FooBot", "/x/"],
  [rules("disallow: /x", "allow: /x/"), "FooBot", "/x"],
  [rules("allow: /page", "disallow: /*.html"), "FooBot", "/page.html"],
  [rules("allow: /x/page.", "disallow: /*.html"), "FooBot", "/x/y.html"],
  ["User-agent: *\nDisallow: /x/\nUser-agent: FooBot\nDisallow: /y/", "FooBot", "/y/page"],
  [rules("Disallow: /foo/bar/quz", "Allow: /foo/*/qux"), "FooBot", "/foo/bar/quz"],
  [rules("Disallow: /foo/bar$", "Allow: /foo/bar/qux"), "FooBot", "/foo/bar"],
  [rules("# Disallow: /", "Disallow: /foo/quz#qux", "Allow: /"), "FooBot", "/foo/quz"],
  [only("/fish"), "FooBot", "/Fish.asp"],
  [only("/fish"), "FooBot", "/?id=fish"],
  [only("/fish/"), "FooBot", "/fish"],
  [only("/fish/"), "FooBot", "/fish.html"],
  [only("/*.php"), "FooBot", "/windows.PHP"],
  [only("/*.php"), "FooBot", "/index?php"],
  [only("/*.php$"), "FooBot", "/filename.php?parameters"],
  [only("/*.php$"), "FooBot", "/filename.php5"],
  [only("/*.php$"), "FooBot", "/aaaphpaaa"],
  [only("/fish*.php"), "FooBot", "/Fish.PHP"],
  [rules("allow: /page", "disallow: /*.htm"), "FooBot", "/page.htm"],
  [rules("allow: /$", "disallow: /"), "FooBot", "/page.html"],
];

it.each(allowed)("Google allows: %j for %s at %s", (robots, agent, path) => {
  expect(isAllowed(parseRobots(robots), agent, `http://foo.bar${path}`).allowed).toBe(true);
});
it.each(disallowed)("Google disallows: %j for %s at %s", (robots, agent, path) => {
  expect(isAllowed(parseRobots(robots), agent, `http://foo.bar${path}`).allowed).toBe(false);
});

it("a line is cut after 16,664 bytes, so that what is left of its pattern holds", () => {
  const long = `/x/${"a".repeat(2083 * 8 - "/x/".length - "disallow: ".length)}`;
  const robots = parseRobots(rules(`disallow: ${long}/qux`));
  expect(isAllowed(robots, "FooBot", "http://foo.bar/fux").allowed).toBe(true);
  expect(isAllowed(robots, "FooBot", `http://foo.bar${long}/fux`).allowed).toBe(false);
});

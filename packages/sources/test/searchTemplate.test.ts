import { UserError } from "@pairloom/config";
import { describe, expect, it } from "vitest";
import { expandQuery, searchSource, type Get } from "../src/index.js";
import {
  hasLiteralSecret,
  SearchTemplate,
  shownTemplate,
  variablesOf,
} from "../src/search/searchTemplate.js";

const secret = "S3cr3t/k+y";
const read = (name: string) => ({ PAIRLOOM_KEY_A: secret, PAIRLOOM_KEY_EMPTY: "" })[name];
const templateOf = (url: string) => new SearchTemplate({ name: "api", url }, read);
const base = "https://api.example";
const drawn = "AIzaSyB7x9Qq2LmN0pR4tV6wXy1Z3a5C";

describe("a template with a key", () => {
  it("takes it from the environment for the request alone", () => {
    const template = templateOf(`${base}/s?key={env:PAIRLOOM_KEY_A}&q={query}&n={limit}`);
    const asked = template.fill("red star", 0, 9);
    expect(asked).toBe(`${base}/s?key=S3cr3t%2Fk%2By&q=red%20star&n=9`);
    expect(template.show(asked)).toBe(`${base}/s?key=***&q=red%20star&n=9`);
    for (const said of [secret, encodeURIComponent(secret)])
      expect(template.scrub(`no such key: ${said}`)).toBe("no such key: ***");
    expect(template.holdsSecret(JSON.stringify({ a: [secret] }))).toBe(true);
  });
  it.each(["PAIRLOOM_KEY_EMPTY", "PAIRLOOM_KEY_MISSING"])("says that %s is not set", (name) => {
    const template = templateOf(`${base}/?key={env:${name}}&q={query}`);
    expect(() => template.fill("x", 0, 1)).toThrow(new RegExp(`"api" needs .* ${name}, which is not set`));
  });
  it.each([
    [`${base}/s?key=k1&q={query}`, "key", `${base}/s?key=***&q=x`],
    [`${base}/s?q={query}&apikey=abc%2Fdef`, "abc/def", `${base}/s?q=x&apikey=***`],
    [`${base}/s?q={query}&access_token=a=b==`, "a=b==", `${base}/s?q=x&access_token=***`],
    [`${base}/s?q={query}&u=${drawn}`, drawn, `${base}/s?q=x&u=***`],
    [`${base}/v1/${drawn}/s?q={query}`, drawn, `${base}/v1/***/s?q=x`],
    [`${base}/s?q={query}+cats&format=json`, "nothing", `${base}/s?q=x+cats&format=***`],
    [
      "https://images-2-api3.example4.org/s?q={query}&o={offset}",
      "",
      "https://images-2-api3.example4.org/s?q=x&o=0",
    ],
  ])("%s is shown without it", (url, _said, shown) => {
    const template = templateOf(url);
    expect(template.show(template.fill("x", 0, 1))).toBe(shown);
  });
  it("strikes the key out of URLs that it didn't make", () => {
    const template = templateOf(`${base}/s?q={query}`);
    expect(template.scrub(`a loop at ${base}/next?api_key=zyx&page=2 again`)).toBe(
      `a loop at ${base}/next?api_key=***&page=2 again`,
    );
  });
  it("knows which templates hold a key themselves", () => {
    const holding = [
      `${base}?key=abcd&q={query}`,
      `${base}/${drawn}?q={query}`,
      "https://me:pw@api.example/?q={query}",
    ];
    const others = [`${base}?key={env:PAIRLOOM_KEY_A}&q={query}`, `${base}?q={query}&keyword=boats&page=12`];
    expect([...holding, ...others].map(hasLiteralSecret)).toEqual([true, true, true, false, false]);
    expect(others.map(variablesOf)).toEqual([["PAIRLOOM_KEY_A"], []]);
  });
});

describe("a template that is refused", () => {
  it.each([
    [`${base}/s?key=k-123456`, "it never says {query}"],
    [`ftp://api.example/?key=k-123456&q={query}`, "expected an http(s) URL"],
    [`https://me:k-123456@api.example/?q={query}`, "a user name or password in a URL is not sent"],
    [`${base}/?key=k-123456&q={query}&p={page}`, "{page} is not known"],
    [`${base}/?key={env:AWS_SECRET_ACCESS_KEY}&q={query}&t=k-123456`, "begins with PAIRLOOM_KEY"],
    [`${base}/?key={env:}&q={query}`, "begins with PAIRLOOM_KEY"],
  ])("%s", (url, problem) => {
    let error: unknown;
    try {
      templateOf(url);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UserError);
    expect((error as Error).message).toContain(problem);
    expect((error as Error).message).not.toContain("k-123456");
  });
  it("a text that is no URL is shown without what might be a key", () => {
    expect(shownTemplate("htp:/x?key=k-123456&q={query}")).toBe("htp:/x?key=***&q={query}");
    expect(shownTemplate("https://me:k-123456@x/")).toBe("https://***@x/");
  });
});

describe("what an API says back", () => {
  const url = `${base}/s?key={env:PAIRLOOM_KEY_A}&q={query}`;
  const found = (get: Get) =>
    expandQuery(searchSource({ kind: "search", name: "api", url, pageSize: 10 }, read), "boats", get, {
      maxCandidates: 50,
      signal: new AbortController().signal,
    });
  const answering =
    (json: unknown): Get =>
    async () => ({ status: "ok", body: Buffer.from(JSON.stringify(json)) });

  it("is passed over where it holds the key, and the rest is kept", async () => {
    const image = { type: "image", caption: "A boat" };
    const expansion = await found(
      answering({
        results: [
          { ...image, url: `${base}/thumb?id=1&key=${encodeURIComponent(secret)}` },
          { ...image, url: "https://i.example/2.jpg", title: `found with ${secret}` },
          { type: "page", url: `https://p.example/?from=${secret}` },
          { type: "page", url: "#more" },
          { ...image, url: "/3.jpg" },
        ],
        next: null,
      }),
    );
    expect(expansion.candidates.map(({ imageUrl }) => imageUrl)).toEqual([`${base}/3.jpg`]);
    expect(expansion.pages).toEqual([`${base}/s`]);
    expect(expansion.failures).toEqual(["api: 3 results passed over: it holds the API's key"]);
  });
  it.each<[string, Get]>([
    [
      "a refusal",
      async (asked) => ({ status: "failed", reason: "http_401", errorMessage: `HTTP 401 for ${asked}` }),
    ],
    ["a wrong form", answering({ [secret]: secret, results: secret })],
    ["an exception", (asked) => Promise.reject(new Error(`no route to ${asked}`))],
  ])("%s that repeats the URL is told without the key", async (_name, get) => {
    const said = await found(get).then(
      ({ failures }) => failures.join(),
      (error: Error) => `${error.message} ${error.stack}`,
    );
    expect(said).toContain("***");
    expect(said).not.toContain(secret);
    expect(said).not.toContain(encodeURIComponent(secret));
  });
});

import { candidateSchema, UserError } from "@pairloom/config";
import { describe, expect, it } from "vitest";
import { expandQuery } from "../src/expandQuery.js";
import { searchSource } from "../src/search/searchSource.js";
import type { Get } from "../src/source.js";

const config = {
  kind: "search" as const,
  name: "api",
  url: "https://api.example/search?q={query}&from={offset}&n={limit}",
  pageSize: 2,
};
const signal = new AbortController().signal;

/** A web of fixed JSON answers; anything else is a 404. */
function web(answers: Record<string, unknown>): { get: Get; asked: string[] } {
  const asked: string[] = [];
  const get: Get = async (url) => {
    asked.push(url);
    if (!(url in answers)) return { status: "failed", reason: "http_404" };
    const answer = answers[url];
    return { status: "ok", body: Buffer.from(typeof answer === "string" ? answer : JSON.stringify(answer)) };
  };
  return { get, asked };
}

const at = (offset: number, query = "red%20star") =>
  `https://api.example/search?q=${query}&from=${offset}&n=2`;
const page = (n: number) => ({ type: "page", url: `https://site.example/${n}` });

describe("a search source", () => {
  it("follows offsets until a page is not full", async () => {
    const { get, asked } = web({ [at(0)]: { results: [page(1), page(2)] }, [at(2)]: { results: [page(3)] } });
    const found = await expandQuery(searchSource(config), "red star", get, { maxCandidates: 100, signal });
    expect(found).toEqual({
      pages: ["https://site.example/1", "https://site.example/2", "https://site.example/3"],
      candidates: [],
      failures: [],
    });
    expect(asked).toEqual([at(0), at(2)]);
  });

  it("follows `next`, relative or not, and stops at null", async () => {
    const next = "https://api.example/more?x=1";
    const { get, asked } = web({
      [at(0)]: { results: [page(1)], next: "/more?x=1" },
      [next]: { results: [page(2)], next: null },
    });
    const found = await expandQuery(searchSource(config), "red star", get, { maxCandidates: 100, signal });
    expect(found.pages).toHaveLength(2);
    expect(asked).toEqual([at(0), next]);
  });

  it("is not caught in a loop of `next`", async () => {
    const { get, asked } = web({ [at(0)]: { results: [page(1)], next: at(0) } });
    await expandQuery(searchSource(config), "red star", get, { maxCandidates: 100, signal });
    expect(asked).toHaveLength(1);
  });

  it("stops at maxCandidates", async () => {
    const results = [page(1), page(2)];
    const { get, asked } = web({
      [at(0)]: { results, next: at(2) },
      [at(2)]: { results: [page(3), page(4)], next: at(4) },
    });
    const found = await expandQuery(searchSource(config), "red star", get, { maxCandidates: 3, signal });
    expect(found.pages).toHaveLength(3);
    expect(asked).toHaveLength(2);
  });

  it("makes candidates of image results, with every text once and the query", async () => {
    const image = {
      type: "image",
      url: "/i.jpg#x",
      caption: " A red\nstar ",
      title: "A red star",
      description: null,
      license: "CC0-1.0",
      pageUrl: "https://site.example/p",
      height: 12,
    };
    const { get } = web({ [at(0)]: { results: [image], next: null } });
    const { candidates } = await expandQuery(searchSource(config), "red star", get, {
      maxCandidates: 9,
      signal,
    });
    expect(candidates).toEqual([
      {
        imageUrl: "https://api.example/i.jpg",
        texts: [{ kind: "search", text: "A red star" }],
        pageUrl: "https://site.example/p",
        query: "red star",
        source: "api",
        licence: "CC0-1.0",
        language: null,
        optOuts: [],
      },
    ]);
    candidates.forEach((candidate) => candidateSchema.parse(candidate));
  });

  it("passes over strange results, counts them, and keeps the others", async () => {
    const results = [
      { type: "video", url: "https://v.example/1" },
      null,
      { type: "page", url: "ftp://x.example/" },
      { type: "image", url: "https://i.example/1.jpg", caption: "  " },
      page(1),
    ];
    const { get } = web({ [at(0)]: { results, next: null } });
    const found = await expandQuery(searchSource(config), "red star", get, { maxCandidates: 99, signal });
    expect(found.pages).toEqual(["https://site.example/1"]);
    expect(found.failures).toEqual([
      "api: 2 results passed over: neither a page nor an image",
      "api: 1 result passed over: no http(s) URL",
      "api: 1 result passed over: an image without a text",
    ]);
  });

  it.each([
    ["<html>", "the answer is not JSON"],
    [{ hits: [] }, "the answer has the wrong form"],
    [[], "the answer has the wrong form"],
  ])("says what is wrong with %j and keeps what came before", async (bad, says) => {
    const { get } = web({ [at(0)]: { results: [page(1)], next: at(2) }, [at(2)]: bad });
    const found = await expandQuery(searchSource(config), "red star", get, { maxCandidates: 99, signal });
    expect(found.pages).toHaveLength(1);
    expect(found.failures).toHaveLength(1);
    expect(found.failures[0]).toContain(says);
  });

  it("says that the API can't be had", async () => {
    const found = await expandQuery(searchSource(config), "red star", web({}).get, {
      maxCandidates: 99,
      signal,
    });
    expect(found.failures).toEqual([`api: http_404 (asked ${at(0)})`]);
  });

  it("encodes queries, whatever they hold", async () => {
    const { get, asked } = web({});
    await expandQuery(searchSource(config), "a&b {offset} \ud800 é", get, { maxCandidates: 9, signal });
    expect(asked).toEqual([at(0, "a%26b%20%7Boffset%7D%20%EF%BF%BD%20%C3%A9")]);
  });

  it.each(["https://api.example/?q=", "file:///x?{query}", "https://api.example/{query}/{page}", "{query}"])(
    "refuses the template %s with a hint",
    (url) => {
      expect(() => searchSource({ ...config, url })).toThrow(UserError);
    },
  );
});

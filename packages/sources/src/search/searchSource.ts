import { type Candidate, type DescribedText, type SourceConfig, UserError } from "@pairloom/config";
import { parseHttpUrl } from "../parseHttpUrl.js";
import type { ExpandLimits, Expansion, Get, Source } from "../source.js";
import { type SearchAnswer, searchAnswer, type SearchResult, searchResult } from "./searchAnswer.js";
import { z } from "zod";

export type SearchSourceConfig = Extract<SourceConfig, { kind: "search" }>;

/**
 * A search API that answers `searchAnswer` JSON to GET requests by a URL template.
 * @throws UserError "search_template_invalid"
 */
export function searchSource(config: SearchSourceConfig): Source {
  checkTemplate(config);
  return { name: config.name, expand: (query, get, limits) => expand(config, query, get, limits) };
}

async function expand(
  config: SearchSourceConfig,
  query: string,
  get: Get,
  { maxCandidates, signal }: ExpandLimits,
): Promise<Expansion> {
  const expansion: Expansion = { pages: [], candidates: [], failures: [] };
  const passedOver = new Map<string, number>();
  const asked = new Set<string>();
  const limit = Math.min(config.pageSize, maxCandidates);
  let offset = 0;
  let url: string | null = fillTemplate(config.url, query, 0, limit);
  while (url !== null && !asked.has(url) && found(expansion) < maxCandidates) {
    asked.add(url);
    const answer = await askOnce(url, get, signal);
    if (typeof answer === "string") {
      expansion.failures.push(`${config.name}: ${answer} (asked ${url})`);
      break;
    }
    if (answer.results.length === 0) break;
    for (const raw of answer.results) {
      if (found(expansion) >= maxCandidates) break;
      const problem = take(raw, config, query, url, expansion);
      if (problem !== null) passedOver.set(problem, (passedOver.get(problem) ?? 0) + 1);
    }
    offset += answer.results.length;
    url = nextUrl(config, answer, url, query, offset, limit);
  }
  for (const [problem, count] of passedOver)
    expansion.failures.push(
      `${config.name}: ${count} ${count === 1 ? "result" : "results"} passed over: ${problem}`,
    );
  return expansion;
}

function found({ pages, candidates }: Expansion): number {
  return pages.length + candidates.length;
}

/** The parsed answer, or what is wrong with it. */
async function askOnce(url: string, get: Get, signal: AbortSignal): Promise<SearchAnswer | string> {
  const answer = await get(url, signal);
  if (answer.status !== "ok") return answer.errorMessage ?? answer.reason;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(answer.body));
  } catch {
    return "the answer is not JSON";
  }
  const parsed = searchAnswer.safeParse(json);
  return parsed.success ? parsed.data : `the answer has the wrong form: ${z.prettifyError(parsed.error)}`;
}

/** Adds one result to the expansion, or says why not. */
function take(
  raw: unknown,
  config: SearchSourceConfig,
  query: string,
  base: string,
  into: Expansion,
): string | null {
  const parsed = searchResult.safeParse(raw);
  if (!parsed.success) return "neither a page nor an image";
  const result = parsed.data;
  const url = parseHttpUrl(result.url, base);
  if (url === null) return "no http(s) URL";
  if (result.type === "page") {
    into.pages.push(url);
    return null;
  }
  const texts = textsOf(result);
  if (texts.length === 0) return "an image without a text";
  into.candidates.push({
    imageUrl: url,
    texts,
    pageUrl: result.pageUrl === null ? null : parseHttpUrl(result.pageUrl, base),
    query,
    source: config.name,
    licence: result.licence ?? result.license,
    language: result.language,
    optOuts: [],
  } satisfies Candidate);
  return null;
}

function textsOf(result: Extract<SearchResult, { type: "image" }>): DescribedText[] {
  const texts = [result.caption, result.title, result.description].filter((text) => text !== null);
  return [...new Set(texts)].map((text) => ({ kind: "search", text }));
}

/** Where the next results are: what the answer says, else the next offset after a full page. */
function nextUrl(
  config: SearchSourceConfig,
  answer: SearchAnswer,
  asked: string,
  query: string,
  offset: number,
  limit: number,
): string | null {
  if (answer.next !== undefined) return answer.next === null ? null : parseHttpUrl(answer.next, asked);
  if (answer.results.length < limit || !config.url.includes("{offset}")) return null;
  return fillTemplate(config.url, query, offset, limit);
}

function fillTemplate(template: string, query: string, offset: number, limit: number): string {
  const values: Record<string, string> = {
    query: encodeURIComponent(Buffer.from(query).toString()) /* lone surrogates become U+FFFD */,
    offset: String(offset),
    limit: String(limit),
  };
  return template.replace(/\{(query|offset|limit)\}/g, (_, name: string) => values[name] as string);
}

function checkTemplate({ name, url }: SearchSourceConfig): void {
  const wrong = (problem: string) =>
    new UserError(
      "search_template_invalid",
      `The search source "${name}" has a wrong URL: ${problem}, got "${url}"`,
      {
        hint: "Write it like https://example.org/search?q={query}&offset={offset}&limit={limit}",
      },
    );
  if (!url.includes("{query}")) throw wrong("it never says {query}");
  if (parseHttpUrl(fillTemplate(url, "query", 0, 1), null) === null) throw wrong("expected an http(s) URL");
  const unknown = /\{(?!query\}|offset\}|limit\})[^}]*\}/.exec(url);
  if (unknown !== null) throw wrong(`${unknown[0]} is not known`);
}

import type { Candidate, DescribedText, SourceConfig } from "@pairloom/config";
import { parseHttpUrl } from "../parseHttpUrl.js";
import type { ExpandLimits, Expansion, Get, Source } from "../source.js";
import { type SearchAnswer, searchAnswer, type SearchResult, searchResult } from "./searchAnswer.js";
import { type ReadVariable, SearchTemplate } from "./searchTemplate.js";
import { z } from "zod";

export type SearchSourceConfig = Extract<SourceConfig, { kind: "search" }>;

/**
 * A search API that answers `searchAnswer` JSON to GET requests by a URL template.
 * @param read for the keys that the template takes from the environment
 * @throws UserError "search_template_invalid"
 */
export function searchSource(config: SearchSourceConfig, read: ReadVariable = () => undefined): Source {
  const template = new SearchTemplate(config, read);
  return { name: config.name, expand: (query, get, limits) => expand(config, template, query, get, limits) };
}

async function expand(
  config: SearchSourceConfig,
  template: SearchTemplate,
  query: string,
  get: Get,
  { maxCandidates, signal }: ExpandLimits,
): Promise<Expansion> {
  const expansion: Expansion = { pages: [], candidates: [], failures: [] };
  const passedOver = new Map<string, number>();
  const asked = new Set<string>();
  const limit = Math.min(config.pageSize, maxCandidates);
  let offset = 0;
  let url: string | null = template.fill(query, 0, limit);
  while (url !== null && !asked.has(url) && found(expansion) < maxCandidates) {
    asked.add(url);
    const answer = await askOnce(url, template, get, signal);
    if (typeof answer === "string") {
      expansion.failures.push(`${config.name}: ${template.scrub(answer)} (asked ${template.show(url)})`);
      break;
    }
    if (answer.results.length === 0) break;
    for (const raw of answer.results) {
      if (found(expansion) >= maxCandidates) break;
      const problem = take(raw, config, template, query, url, expansion);
      if (problem !== null) passedOver.set(problem, (passedOver.get(problem) ?? 0) + 1);
    }
    offset += answer.results.length;
    url = nextUrl(config, template, answer, url, query, offset, limit);
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
async function askOnce(
  url: string,
  template: SearchTemplate,
  get: Get,
  signal: AbortSignal,
): Promise<SearchAnswer | string> {
  const answer = await get(url, signal).catch((error: unknown) => {
    // What ends a job is stored with its message.
    const said = error instanceof Error ? error : new Error(String(error));
    if (template.holdsSecret(`${said.message}${said.stack}`)) throw new Error(template.scrub(said.message));
    throw error;
  });
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
  template: SearchTemplate,
  query: string,
  asked: string,
  into: Expansion,
): string | null {
  const base = asked.split("?")[0]!; // "#more" must not bring the key along
  const parsed = searchResult.safeParse(raw);
  if (!parsed.success) return "neither a page nor an image";
  const result = parsed.data;
  const url = parseHttpUrl(result.url, base);
  if (url === null) return "no http(s) URL";
  // A picture that only the key opens can't be told of: what is found is stored.
  if (template.holdsSecret(JSON.stringify(result))) return "it holds the API's key";
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
  template: SearchTemplate,
  answer: SearchAnswer,
  asked: string,
  query: string,
  offset: number,
  limit: number,
): string | null {
  if (answer.next !== undefined) return answer.next === null ? null : parseHttpUrl(answer.next, asked);
  if (answer.results.length < limit || !config.url.includes("{offset}")) return null;
  return template.fill(query, offset, limit);
}

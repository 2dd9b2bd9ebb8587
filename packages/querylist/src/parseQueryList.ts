import { UserError } from "@pairloom/config/errors";
import { isObject } from "@pairloom/config/isObject";
import { decodeListBytes } from "./decodeListBytes.js";
import { parseDelimited } from "./parseDelimited.js";

export type QueryListFormat = "txt" | "csv" | "tsv" | "json" | "jsonl";

export interface QueryList {
  /** Distinct, in the order of the list; NFC, whitespace made single. */
  queries: string[];
  /** Lines that repeat an earlier query. */
  duplicates: number;
  /** Queries of more than `maxQueryCharacters`, left out. */
  tooLong: number;
}

export const maxQueryCharacters = 300;

/**
 * Reads a query list. txt: one query a line, `#` begins a comment line, quotes around a whole line are taken off.
 * csv and tsv: the column `query`, or the only column. json: an array of strings or of objects with `query` (or
 * `{"queries": […]}`); jsonl: one of those a line. Gzip and byte order marks are understood everywhere.
 * @param whence names the list in messages
 * @param format by default json where the text begins like JSON, else txt
 * @throws UserError "query_list_empty", "query_list_binary", "query_list_format"
 */
export function parseQueryList(list: string | Buffer, whence: string, format?: QueryListFormat): QueryList {
  const text = decodeListBytes(typeof list === "string" ? Buffer.from(list) : list, whence);
  const queries = new Set<string>();
  let duplicates = 0;
  let tooLong = 0;
  for (const raw of rawQueries(text, format ?? guessFormat(text), whence)) {
    const query = raw.normalize("NFC").replace(/\s+/gu, " ").trim();
    if (query === "") continue;
    if (query.length > maxQueryCharacters && [...query].length > maxQueryCharacters) tooLong++;
    else if (queries.has(query)) duplicates++;
    else queries.add(query);
  }
  if (queries.size === 0) {
    throw new UserError("query_list_empty", `The query list ${whence} holds no query`, {
      hint:
        tooLong > 0
          ? `All ${tooLong} lines are longer than ${maxQueryCharacters} characters: is it a query list?`
          : "Write one query a line; lines that begin with # are comments.",
    });
  }
  return { queries: [...queries], duplicates, tooLong };
}

function guessFormat(text: string): QueryListFormat {
  return /^\s*(\[|\{\s*"quer)/.test(text) ? (/^\s*\{.*\}\s*\n\s*\{/.test(text) ? "jsonl" : "json") : "txt";
}

function rawQueries(text: string, format: QueryListFormat, whence: string): Iterable<string> {
  switch (format) {
    case "txt":
      return textLines(text);
    case "csv":
      return column(text, ",", whence);
    case "tsv":
      return column(text, "\t", whence);
    case "json":
      return jsonQueries(parseJson(text, whence), whence);
    case "jsonl":
      return text
        .split(/\r\n|\n|\r/)
        .filter((line) => line.trim() !== "")
        .flatMap((line, i) => [...jsonQueries([parseJson(line, `${whence}, line ${i + 1}`)], whence)]);
  }
}

function* textLines(text: string): Generator<string> {
  for (const line of text.split(/\r\n|\n|\r/)) {
    const bare = line.trim();
    if (bare.startsWith("#")) continue;
    const quoted = /^"(.*)"$/s.exec(bare);
    yield quoted ? quoted[1]!.replaceAll('""', '"') : bare;
  }
}

function* column(text: string, delimiter: "," | "\t", whence: string): Generator<string> {
  let at = -1;
  for (const record of parseDelimited(text, delimiter)) {
    if (at < 0) {
      at = record.findIndex((name) => name.trim().toLowerCase() === "query");
      if (at >= 0) continue;
      if (record.length > 1) {
        const columns = record.map((name) => JSON.stringify(name)).join(", ");
        throw new UserError(
          "query_list_format",
          `The query list ${whence} has no column "query" (it has ${columns})`,
          {
            hint: 'Name the column of the queries "query" in the first line.',
          },
        );
      }
      at = 0;
    }
    if (record.length > at) yield record[at]!;
  }
}

function parseJson(text: string, whence: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError("query_list_format", `The query list ${whence} is no valid JSON`, {
      hint: `The parser says: ${(cause as Error).message}`,
      cause,
    });
  }
}

function* jsonQueries(value: unknown, whence: string): Generator<string> {
  const items = isObject(value) && Array.isArray(value.queries) ? (value.queries as unknown[]) : value;
  if (!Array.isArray(items)) throw wrongItem(whence, items);
  for (const item of items as unknown[]) {
    if (typeof item === "string") yield item;
    else if (isObject(item) && typeof item.query === "string") yield item.query;
    else throw wrongItem(whence, item);
  }
}

function wrongItem(whence: string, item: unknown): UserError {
  const shown = (JSON.stringify(item) ?? String(item)).slice(0, 80);
  return new UserError("query_list_format", `The query list ${whence} holds ${shown}, which is no query`, {
    hint: 'Give an array of strings, or objects with a "query".',
  });
}

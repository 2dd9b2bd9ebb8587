import { UserError } from "@pairloom/config/errors";
import { isObject } from "@pairloom/config/isObject";
import {
  delimitedRecords,
  findDelimiter,
  jsonText,
  jsonValues,
  openTable,
  type TableFile,
  type TableFormat,
  tableOfBytes,
  textLines,
  textPieces,
} from "@pairloom/tables";

export interface QueryList {
  /** Distinct, in the order of the list; NFC, whitespace made single. */
  queries: string[];
  /** Lines that repeat an earlier query. */
  duplicates: number;
  /** Queries of more than `maxQueryCharacters`, left out. */
  tooLong: number;
}

export const maxQueryCharacters = 300;
/** A list that is one JSON object is held in memory. */
const maxObjectCharacters = 1 << 26;

/**
 * Reads a query list. txt: one query a line, `#` begins a comment line, quotes around a whole line are taken off.
 * csv, tsv and parquet: the column `query`, of the first two also the only column. json and jsonl: strings or objects with
 * `query`, in an array or one after the other, or `{"queries": […]}`. Gzip, byte order marks and UTF-16 are understood.
 * @param whence names the list in messages
 * @param format by default json where the text begins like JSON, else txt
 * @throws UserError "query_list_empty", "query_list_binary", "query_list_format", and those of `@pairloom/tables`
 */
export async function parseQueryList(
  list: string | TableFile,
  whence: string,
  format?: TableFormat,
): Promise<QueryList> {
  const file = typeof list === "string" ? tableOfBytes(Buffer.from(list), whence) : { ...list, name: whence };
  const queries = new Set<string>();
  let duplicates = 0;
  let tooLong = 0;
  for await (const raw of namedErrors(rawQueries(file, format))) {
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

/** What is no text is told by the code that query lists have for it. */
async function* namedErrors(queries: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    yield* queries;
  } catch (cause) {
    if (!(cause instanceof UserError) || cause.code !== "table_invalid") throw cause;
    throw new UserError("query_list_binary", `The query list ${cause.message}`, { hint: binaryHint, cause });
  }
}

const binaryHint =
  "Give a text file in UTF-8 with one query a line, or a csv, tsv, json, jsonl or parquet file with a column query.";

async function* rawQueries(file: TableFile, format: TableFormat | undefined): AsyncGenerator<string> {
  if (format === "parquet") {
    yield* parquetQueries(file);
    return;
  }
  const pieces = withoutControls(textPieces(file), file.name);
  const first = await pieces.next();
  const head = first.done === true ? "" : first.value;
  async function* whole(): AsyncGenerator<string> {
    try {
      yield head;
      yield* pieces;
    } finally {
      await pieces.return(undefined);
    }
  }
  switch (format ?? guessFormat(head)) {
    case "csv":
      yield* columnQueries(whole(), ",", file.name);
      break;
    case "tsv":
      yield* columnQueries(whole(), "\t", file.name);
      break;
    case "json":
    case "jsonl":
      yield* jsonQueries(whole(), file.name);
      break;
    default:
      yield* lineQueries(whole(), file.name);
  }
}

const guessFormat = (head: string): TableFormat => (/^\s*(\[|\{\s*"quer)/.test(head) ? "json" : "txt");

async function* withoutControls(pieces: AsyncIterable<string>, name: string): AsyncGenerator<string> {
  for await (const piece of pieces) {
    if (/[\u0001-\u0008\u000e-\u001a\u001c-\u001f]/.test(piece))
      throw new UserError("query_list_binary", `The query list ${name} is no text`, { hint: binaryHint });
    yield piece;
  }
}

async function* lineQueries(pieces: AsyncIterable<string>, name: string): AsyncGenerator<string> {
  for await (const lines of textLines(pieces, name))
    for (const { text } of lines) {
      const bare = text.trim();
      if (bare.startsWith("#")) continue;
      const quoted = /^"(.*)"$/s.exec(bare);
      yield quoted ? quoted[1]!.replaceAll('""', '"') : bare;
    }
}

const isQuery = (name: string): boolean => name.trim().toLowerCase() === "query";

async function* columnQueries(
  pieces: AsyncIterable<string>,
  usual: string,
  name: string,
): AsyncGenerator<string> {
  const choose = (line: string) => findDelimiter(line, usual, (names) => names.some(isQuery), name).delimiter;
  let at = -1;
  let width = 0;
  for await (const records of delimitedRecords(pieces, name, choose))
    for (const { line, fields } of records) {
      if (at < 0) {
        width = fields.length;
        at = fields.findIndex(isQuery);
        if (at >= 0) continue;
        if (width > 1) {
          const columns = fields.map((column) => JSON.stringify(column.slice(0, 60))).join(", ");
          const what = `The query list ${name} has no column "query" (it has ${columns})`;
          throw wrongFormat(what, 'Name the column of the queries "query" in the first line.');
        }
        at = 0;
      }
      if (fields.length !== width)
        throw wrongFormat(
          `Line ${line} of the query list ${name} has ${fields.length} fields, but its first line has ${width}`,
          "Put queries that have the delimiter in them in quotes.",
        );
      yield fields[at]!;
    }
}

async function* parquetQueries(file: TableFile): AsyncGenerator<string> {
  const columnHint = 'Name the column of the queries "query".';
  const { read, types } = await openTable(file, "parquet", { columns: ["query"], columnHint });
  for await (const rows of read())
    for (const { values } of rows) {
      const query = types![0]!.toJson(values![0]);
      if (typeof query === "string") yield query;
      else if (query !== null) throw wrongItem(file.name, query);
    }
}

async function* jsonQueries(pieces: AsyncIterable<string>, name: string): AsyncGenerator<string> {
  for await (const values of jsonValues(pieces, name, maxObjectCharacters))
    for (const { value, problem } of values) {
      if (problem !== null) throw problem;
      const items: unknown[] = isObject(value) && Array.isArray(value.queries) ? value.queries : [value];
      for (const item of items) {
        if (typeof item === "string") yield item;
        else if (isObject(item) && typeof item.query === "string") yield item.query;
        else throw wrongItem(name, item);
      }
    }
}

const wrongFormat = (message: string, hint: string): UserError =>
  new UserError("query_list_format", message, { hint });

const wrongItem = (name: string, item: unknown): UserError =>
  wrongFormat(
    `The query list ${name} holds ${jsonText(item).slice(0, 80)}, which is no query`,
    'Give an array of strings, or objects with a "query".',
  );

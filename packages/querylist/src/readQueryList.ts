import { readFile } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";
import { parseQueryList, type QueryList, type QueryListFormat } from "./parseQueryList.js";

const formats: Record<string, QueryListFormat> = {
  txt: "txt",
  csv: "csv",
  tsv: "tsv",
  tab: "tsv",
  json: "json",
  jsonl: "jsonl",
  ndjson: "jsonl",
};

/**
 * Reads a query list file; its extension (before an optional `.gz`) tells the format, see `parseQueryList`.
 * @throws UserError "query_list_missing", "query_list_empty", "query_list_binary", "query_list_format"
 */
export async function readQueryList(path: string): Promise<QueryList> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why =
      code === "ENOENT"
        ? "does not exist"
        : code === "EISDIR"
          ? "is a folder"
          : `can't be read (${code ?? "?"})`;
    throw new UserError("query_list_missing", `The query list ${path} ${why}`, {
      hint: "Name a text file with one query a line.",
      cause,
    });
  }
  const extension = /\.([a-z]+)(?:\.gz)?$/i.exec(path)?.[1]?.toLowerCase() ?? "";
  return parseQueryList(bytes, path, formats[extension]);
}

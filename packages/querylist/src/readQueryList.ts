import { UserError } from "@pairloom/config/errors";
import { localTable, tableFormatOf } from "@pairloom/tables";
import { parseQueryList, type QueryList } from "./parseQueryList.js";

/**
 * Reads a query list file; its extension (before an optional `.gz`) tells the format, see `parseQueryList`.
 * @throws UserError "query_list_missing", and those of `parseQueryList`
 */
export async function readQueryList(path: string): Promise<QueryList> {
  const file = await localTable(path).catch((cause: unknown) => {
    if (!(cause instanceof UserError)) throw cause;
    throw new UserError("query_list_missing", `The query list ${cause.message}`, {
      hint: "Name a text file with one query a line.",
      cause,
    });
  });
  return parseQueryList(file, path, tableFormatOf(path) ?? undefined);
}

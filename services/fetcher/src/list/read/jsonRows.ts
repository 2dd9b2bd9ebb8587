import { UserError } from "@pairloom/config";

/** Longest object that is waited for. */
const maxObjectCharacters = 1 << 22;

/**
 * Values of the wanted columns of a list in JSON: an array of objects, or objects one after the other (JSON lines),
 * read as they come, never as a whole. @throws UserError where it is none
 */
export async function* jsonRows(
  pieces: AsyncIterable<string>,
  wanted: readonly string[],
  name: string,
): AsyncGenerator<unknown[][]> {
  let number = 0;
  for await (const texts of objectTexts(pieces, name)) {
    const rows: unknown[][] = [];
    for (const text of texts) {
      number++;
      const row = parsed(text, `${name}, object ${number}`);
      if (number === 1) checkColumns(row, wanted, name);
      rows.push(wanted.map((column) => row[column] ?? null));
    }
    yield rows;
  }
}

function parsed(text: string, where: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new UserError("url_list_json", `${where} is no valid JSON: ${(cause as Error).message}`, { cause });
  }
}

function checkColumns(row: Record<string, unknown>, wanted: readonly string[], name: string): void {
  const missing = wanted[0]!;
  if (missing in row) return;
  const keys = Object.keys(row)
    .slice(0, 20)
    .map((key) => JSON.stringify(key.slice(0, 40)));
  const byColumn = typeof Object.values(row)[0] === "object";
  throw new UserError(
    "url_list_column",
    `The first object of ${name} has no "${missing}"; it has ${keys.join(", ")}`,
    {
      hint: byColumn
        ? "Write the list as an array of objects, one a row (pandas: to_json(orient='records'))."
        : "Name the column with --url_col.",
    },
  );
}

/** The texts of the outermost objects; brackets, commas and whitespace between them are stepped over. */
async function* objectTexts(pieces: AsyncIterable<string>, name: string): AsyncGenerator<string[]> {
  let held = "";
  let at = 0;
  let start = -1;
  let depth = 0;
  let inString = false;
  for await (const piece of pieces) {
    held += piece;
    const found: string[] = [];
    for (; at < held.length; at++) {
      const code = held.charCodeAt(at);
      if (inString) {
        if (code === 92) at++;
        else if (code === 34) inString = false;
      } else if (code === 34 && depth > 0) inString = true;
      else if (code === 123) {
        if (depth++ === 0) start = at;
      } else if (code === 125 && depth > 0) {
        if (--depth > 0) continue;
        found.push(held.slice(start, at + 1));
        start = -1;
      } else if (depth === 0 && !/[\s,[\]]/.test(held[at]!)) {
        const shown = JSON.stringify(held.slice(at, at + 40));
        throw new UserError("url_list_json", `${name} holds ${shown} where an object should begin`, {
          hint: "A JSON list is an array of objects, or one object a line.",
        });
      }
    }
    const keep = start < 0 ? held.length : start;
    held = held.slice(keep);
    at -= keep;
    if (start >= 0) start = 0;
    if (held.length > maxObjectCharacters)
      throw new UserError(
        "url_list_json",
        `${name} has an object of more than ${maxObjectCharacters} characters`,
        {
          hint: "Write the list as an array of objects, one a row (pandas: to_json(orient='records')).",
        },
      );
    if (found.length > 0) yield found;
  }
  if (depth > 0) throw new UserError("url_list_json", `${name} ends in the middle of an object`);
}

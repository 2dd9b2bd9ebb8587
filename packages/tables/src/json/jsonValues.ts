import { UserError } from "@pairloom/config/errors";
import { parsePythonJson } from "@pairloom/config/pythonJson";
import { jsonTexts } from "./jsonTexts.js";

/** One value of a JSON document; null in `problem` where it is JSON. */
export interface JsonValue {
  /** The line on which it begins, from 1 on. */
  line: number;
  value: unknown;
  problem: UserError | null;
}

/**
 * The values of a JSON array or of JSON lines, many at a time. NaN and Infinity, as Python writes them, are null; whole
 * numbers beyond 2^53 are bigints. @throws UserError "table_json" where the document isn't of that form
 */
export async function* jsonValues(
  pieces: AsyncIterable<string>,
  name: string,
  maxCharacters?: number,
): AsyncGenerator<JsonValue[]> {
  for await (const texts of jsonTexts(pieces, name, maxCharacters))
    yield texts.map(({ line, text }): JsonValue => {
      try {
        return { line, value: parsePythonJson(text, { integers: "bigint" }), problem: null };
      } catch (cause) {
        const problem = new UserError(
          "table_json",
          `Line ${line} of ${name} is no valid JSON: ${(cause as Error).message}`,
          {
            hint: "Write the table with a JSON library: strings in double quotes, no comma after the last value.",
            cause,
          },
        );
        return { line, value: null, problem };
      }
    });
}

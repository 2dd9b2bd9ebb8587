import { UserError } from "@pairloom/config/errors";

/** Characters that separate columns, by the names that options take for them. */
const named: Record<string, string> = { comma: ",", tab: "\t", "\\t": "\t", semicolon: ";", pipe: "|" };
const guesses = [",", "\t", ";", "|"];

/** @throws UserError "table_delimiter" where it is neither a name nor one character */
export function parseDelimiter(text: string): string {
  const known = Object.hasOwn(named, text.toLowerCase()) ? named[text.toLowerCase()] : undefined;
  if (known !== undefined) return known;
  if (text.length === 1 && !/["\r\n]/.test(text)) return text;
  throw new UserError("table_delimiter", `A delimiter is one character, not ${JSON.stringify(text)}`, {
    hint: `Give the character, or one of ${Object.keys(named).join(", ")}.`,
    exitCode: 2,
  });
}

const nameOf = (delimiter: string): string =>
  Object.keys(named).find((name) => named[name] === delimiter) ?? JSON.stringify(delimiter);

const bareHeader = (line: string, delimiter: string): string[] =>
  line.split(delimiter).map((name) =>
    name
      .trim()
      .replace(/^"(.*)"$/s, "$1")
      .replaceAll('""', '"'),
  );

/**
 * What separates the columns of a table whose first line is this: what its format says where the wanted columns are then
 * there, else the only other character with which they are; where that is none, what its format says.
 * @returns with a note for the user where it is another
 */
export function findDelimiter(
  firstLine: string,
  usual: string,
  isHeader: (names: readonly string[]) => boolean,
  name: string,
): { delimiter: string; note: string | null } {
  if (isHeader(bareHeader(firstLine, usual))) return { delimiter: usual, note: null };
  const fitting = guesses.filter((one) => one !== usual && isHeader(bareHeader(firstLine, one)));
  const [found] = fitting;
  if (found === undefined || fitting.length > 1) return { delimiter: usual, note: null };
  return {
    delimiter: found,
    note: `${name} is read with the delimiter ${nameOf(found)}, as its first line has it`,
  };
}

/** What the first line holds by another delimiter, for the hint of an error; null where none splits it better. */
export function otherDelimiter(firstLine: string, used: string): string | null {
  const counts = guesses
    .filter((one) => one !== used)
    .map((one) => [one, firstLine.split(one).length - 1] as const)
    .sort(([, a], [, b]) => b - a);
  const [best] = counts;
  if (best === undefined || best[1] === 0 || best[1] <= firstLine.split(used).length - 1) return null;
  const names = bareHeader(firstLine, best[0]).map((column) => JSON.stringify(column));
  return `With --delimiter ${nameOf(best[0])} its columns are ${names.join(", ")}.`;
}

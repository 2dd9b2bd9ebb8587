import { extname } from "node:path";
import { UserError } from "@pairloom/config/errors";

/** Whose list of several is wanted. */
export interface ListChoice {
  /** The dataset's name, by which files with lists of several datasets are searched. */
  dataset?: string | undefined;
  /** Told which list was taken where it is not the dataset's own. */
  note?: (line: string) => void;
}

/** What a file holds a list of, for messages and the error's code. */
export interface ListKind {
  code: string;
  /** "templates" */
  plural: string;
  /** Which dataset's list stands for all others, as in CLIP_benchmark. */
  fallback?: string;
}

/**
 * The texts of a file: one a line, a JSON list, or the list of one dataset in CLIP_benchmark's JSON ({dataset: list}).
 *
 * @throws UserError `kind.code` where it is another format, such as Python or YAML: named, never read as lines
 */
export function listOf(text: string, path: string, kind: ListKind, choice: ListChoice = {}): string[] {
  const plain = text.replace(/^\ufeff/, "");
  const json = parseJson(plain, path, kind);
  if (json !== null)
    return Array.isArray(json) ? textsOf(json, path, kind) : chosen(json, path, kind, choice);
  const lines = plain
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => line.trim());
  const syntax = foreignSyntax(lines, path);
  if (syntax === null) return lines;
  throw new UserError(kind.code, `${path} is ${syntax}, not a list of ${kind.plural}`, {
    hint: `Write the ${kind.plural} one a line, or as a JSON list.`,
  });
}

/** Null where the text is no JSON. `{}` alone is none either: it is the simplest template. */
function parseJson(text: string, path: string, kind: ListKind): unknown[] | Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value as unknown[];
    if (typeof value === "object" && value !== null && Object.keys(value).length > 0)
      return value as Record<string, unknown>;
  } catch (cause) {
    if (extname(path).toLowerCase() === ".json")
      throw new UserError(kind.code, `${path} is no JSON: ${(cause as Error).message}`, { cause });
  }
  return null;
}

function chosen(
  lists: Readonly<Record<string, unknown>>,
  path: string,
  kind: ListKind,
  { dataset = "", note = () => undefined }: ListChoice,
): string[] {
  const short = dataset.replace(/^wds_/, "");
  const keys = Object.keys(lists);
  // Hugging Face's copies of CLIP_benchmark's datasets are named wds_vtab-cifar10 for vtab/cifar10
  const own = [dataset, short, short.replace("-", "/"), short.replace(/^vtab-/, "")];
  let key = own.find((name) => Object.hasOwn(lists, name));
  if (key === undefined) {
    const other = keys.length === 1 ? keys[0] : keys.find((name) => name === kind.fallback);
    if (other === undefined)
      throw new UserError(
        kind.code,
        `${path} has no ${kind.plural} for a dataset named ${JSON.stringify(short)}`,
        {
          hint: `It has those of ${keys.slice(0, 8).join(", ")}${keys.length > 8 ? ", …" : ""}. Copy one list into a file of its own.`,
        },
      );
    note(`${path} has no ${kind.plural} for ${JSON.stringify(short)}: those of ${other} are taken`);
    key = other;
  }
  return textsOf(lists[key], `${path} (${key})`, kind);
}

function textsOf(value: unknown, whence: string, kind: ListKind): string[] {
  if (Array.isArray(value) && value.every((one) => typeof one === "string"))
    return value.map((one) => one.trim());
  const isNested = typeof value === "object" && value !== null && !Array.isArray(value);
  throw new UserError(
    kind.code,
    `${whence} holds ${isNested ? "an object" : "something"} where a list of texts is read`,
    {
      hint: isNested
        ? "Prompts for each class by itself (CuPL) are not read: give templates with {} for the class's name."
        : `Give the ${kind.plural} as a list of texts.`,
    },
  );
}

const foreignEndings: Readonly<Record<string, string>> = {
  ".py": "Python",
  ".ipynb": "a notebook",
  ".yaml": "YAML",
  ".yml": "YAML",
  ".toml": "TOML",
  ".csv": "a table",
  ".tsv": "a table",
};

/** What other language a file is in, by its ending or by lines that no list of texts has; null for plain lines. */
function foreignSyntax(lines: readonly string[], path: string): string | null {
  const ending = foreignEndings[extname(path).toLowerCase()];
  if (ending !== undefined) return ending;
  const code = lines.find((line) =>
    [
      /^lambda\b.*:/, // open_clip's templates
      /^[A-Za-z_]\w*\s*=\s*[[({]/, // a list of its own name
      /^(["']).*\1,$/, // an item of a list
      /^[a-z]?f(["']).*\1,?$/i,
      /^from\s+\S+\s+import\s/,
    ].some((pattern) => pattern.test(line)),
  );
  return code === undefined ? null : `source code (${JSON.stringify(code)})`;
}

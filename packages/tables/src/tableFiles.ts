import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { openStore, type Store } from "@pairloom/storage";
import { storedTable, type TableFile } from "./tableFile.js";
import { type TableFormat, tableFormatOf, tableFormats } from "./tableFormat.js";

export interface FoundTable {
  file: TableFile;
  format: TableFormat;
}

/**
 * The tables that a place names, in byte order of their names: a file, a folder (the tables in it, not below it) or a
 * glob (`*`, `?`, `[…]`, and `**` for any folders), on this machine or as an s3: URL.
 * @param format null: by each file's name @param ending in a folder only files that end so are taken; null: every table
 * @throws UserError where there is none
 */
export async function tableFiles(
  place: string,
  { format, ending }: { format: TableFormat | null; ending: string | null },
  signal?: AbortSignal,
): Promise<FoundTable[]> {
  const files: FoundTable[] = [];
  for await (const { store, name, bytes } of filesOf(place, ending, signal)) {
    const known = format ?? tableFormatOf(name);
    if (known === null)
      throw new UserError("table_format", `The ending of ${name} doesn't say what kind of list it is`, {
        hint: `Say --input_format ${tableFormats.join("|")}.`,
      });
    files.push({ file: storedTable(store, { name, bytes }), format: known });
  }
  // Shards are numbered by it, and not every service lists so.
  files.sort((a, b) => Buffer.compare(Buffer.from(a.file.name), Buffer.from(b.file.name)));
  if (files.length > 0) return files;
  const which = ending === null ? "" : ` that ends in .${ending}`;
  throw new UserError("table_missing", `${place} names no list${which}`, {
    hint: `Name a file, a folder with ${tableFormats.join(", ")} files (.gz too), or a glob in quotes.`,
  });
}

interface FoundFile {
  store: Store;
  name: string;
  bytes: number;
}

async function* filesOf(
  named: string,
  ending: string | null,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundFile> {
  const open = (base: string) =>
    openStore(base, { readOnly: true, ...(signal === undefined ? {} : { signal }) });
  const place = placeOf(named);
  const isLocal = place.root === "/";
  const isFolder = isLocal && (await isLocalFolder(place.root + place.path));
  const parent = place.path.slice(0, place.path.lastIndexOf("/") + 1);
  const name = place.path.slice(parent.length);
  // A name that is a file's is that file, also where it has a glob's characters in it.
  if (name !== "" && !isFolder && (!isLocal || (await isLocalFolder(place.root + parent)))) {
    const store = await open(place.root + parent);
    const info = await store.stat(name);
    if (info !== null) {
      yield { store, name, bytes: info.bytes };
      return;
    }
  }
  if (!isFolder && /[*?[]/.test(place.path)) {
    const fixed = /^[^*?[]*/.exec(place.path)?.[0] ?? "";
    const base = fixed.slice(0, fixed.lastIndexOf("/") + 1);
    const pattern = globPattern(place.path.slice(base.length));
    const store = await open(place.root + base);
    for await (const found of store.list(fixed.slice(base.length), { anyOrder: true }))
      if (pattern.test(found.name)) yield { store, ...found };
    return;
  }
  if (isLocal && !isFolder)
    throw new UserError("table_missing", `There is no file, folder or match for ${named}`, {
      hint: "Check the path; put a glob in quotes.",
    });
  const isList = (found: string) =>
    ending === null ? tableFormatOf(found) !== null : found.endsWith(`.${ending}`);
  const folder = place.path === "" || place.path.endsWith("/") ? place.path : `${place.path}/`;
  const store = await open(place.root + folder);
  for await (const found of store.list("", { flat: true, anyOrder: true }))
    if (isList(found.name)) yield { store, ...found };
}

/** "/" and a path on this machine, or "s3://bucket/" and what its keys begin with. */
function placeOf(named: string): { root: string; path: string } {
  const [, root, path] = /^((?!file:)[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*)\/?(.*)$/s.exec(named) ?? [];
  if (root !== undefined && path !== undefined) return { root: `${root}/`, path };
  const local = named.replace(/^file:\/\//, "");
  return { root: "/", path: resolve(local).slice(1) };
}

const isLocalFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isDirectory() === true;

function globPattern(glob: string): RegExp {
  const source = glob.replace(/\*\*\/|\*\*|\*|\?|\[[^\]]+\]|[.+^${}()|[\]\\]/g, (token) => {
    if (token === "**/") return "(?:.*/)?";
    if (token === "**") return ".*";
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    return token.length > 1 ? token.replace(/^\[!/, "[^") : `\\${token}`;
  });
  return new RegExp(`^${source}$`);
}

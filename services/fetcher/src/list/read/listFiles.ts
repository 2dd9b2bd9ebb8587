import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { UserError } from "@pairloom/config";
import { openStore, type Store } from "@pairloom/storage";
import { listFormats, type ListFormat, type ListSettings } from "../listSettings.js";

/** One file of a URL list. */
export interface ListFile {
  store: Store;
  name: string;
  bytes: number;
  format: ListFormat;
}

/**
 * The files that `urlList` names, in byte order of their names: a file, a folder (the lists in it, not below it) or a
 * glob (`*`, `?`, `[…]`, and `**` for any folders), on this machine or as an s3: URL.
 * @throws UserError where there is none
 */
export async function listFiles(
  settings: Pick<ListSettings, "urlList" | "inputFormat" | "inputEnding">,
  signal?: AbortSignal,
): Promise<ListFile[]> {
  const { urlList, inputFormat } = settings;
  const files: ListFile[] = [];
  for await (const { store, name, bytes } of filesOf(urlList, settings, signal)) {
    const format = inputFormat ?? formatOf(name);
    if (format === null)
      throw new UserError("url_list_format", `The ending of ${name} doesn't say what kind of list it is`, {
        hint: `Say --input_format ${listFormats.join("|")}.`,
      });
    files.push({ store, name, bytes, format });
  }
  // Shards are numbered by it, and not every service lists so.
  files.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
  if (files.length > 0) return files;
  const ending = settings.inputEnding === null ? "" : ` that ends in .${settings.inputEnding}`;
  throw new UserError("url_list_empty", `${urlList} names no list${ending}`, {
    hint: `Name a file, a folder with ${listFormats.join(", ")} files (.gz too), or a glob in quotes.`,
  });
}

type FoundFile = Omit<ListFile, "format">;

async function* filesOf(
  urlList: string,
  { inputEnding }: Pick<ListSettings, "inputEnding">,
  signal: AbortSignal | undefined,
): AsyncGenerator<FoundFile> {
  const open = (base: string) =>
    openStore(base, { readOnly: true, ...(signal === undefined ? {} : { signal }) });
  const place = placeOf(urlList);
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
    throw new UserError("url_list_missing", `There is no file, folder or match for ${urlList}`, {
      hint: "Check the path; put a glob in quotes.",
    });
  const isList = (found: string) =>
    inputEnding === null ? formatOf(found) !== null : found.endsWith(`.${inputEnding}`);
  const folder = place.path === "" || place.path.endsWith("/") ? place.path : `${place.path}/`;
  const store = await open(place.root + folder);
  for await (const found of store.list("", { flat: true, anyOrder: true }))
    if (isList(found.name)) yield { store, ...found };
}

/** "/" and a path on this machine, or "s3://bucket/" and what its keys begin with. */
function placeOf(urlList: string): { root: string; path: string } {
  const [, root, path] = /^((?!file:)[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/]*)\/?(.*)$/s.exec(urlList) ?? [];
  if (root !== undefined && path !== undefined) return { root: `${root}/`, path };
  const local = urlList.replace(/^file:\/\//, "");
  return { root: "/", path: resolve(local).slice(1) };
}

const isLocalFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isDirectory() === true;

function formatOf(name: string): ListFormat | null {
  const ending = /\.([a-z]+)(?:\.gz)?$/i.exec(name)?.[1]?.toLowerCase();
  return listFormats.find((format) => format === ending) ?? null;
}

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

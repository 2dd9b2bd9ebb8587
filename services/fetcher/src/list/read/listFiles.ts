import { stat } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
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
 * glob (`*`, `?`, `[…]`, and `**` for any folders). @throws UserError where there is none
 */
export async function listFiles(
  settings: Pick<ListSettings, "urlList" | "inputFormat" | "inputEnding">,
): Promise<ListFile[]> {
  const { urlList, inputFormat } = settings;
  const { base, matches } = await placeOf(urlList, settings);
  const store = await openStore(base, { readOnly: true });
  const files: ListFile[] = [];
  for await (const { name, bytes } of store.list("")) {
    if (!matches(name)) continue;
    const format = inputFormat ?? formatOf(name);
    if (format === null)
      throw new UserError("url_list_format", `The ending of ${name} doesn't say what kind of list it is`, {
        hint: `Say --input_format ${listFormats.join("|")}.`,
      });
    files.push({ store, name, bytes, format });
  }
  if (files.length > 0) return files;
  const ending = settings.inputEnding === null ? "" : ` that ends in .${settings.inputEnding}`;
  throw new UserError("url_list_empty", `${urlList} names no list${ending}`, {
    hint: `Name a file, a folder with ${listFormats.join(", ")} files (.gz too), or a glob in quotes.`,
  });
}

interface Place {
  base: string;
  matches: (name: string) => boolean;
}

async function placeOf(urlList: string, settings: Pick<ListSettings, "inputEnding">): Promise<Place> {
  const isRemote = /^(?!file:)[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(urlList);
  const path = isRemote ? urlList : resolve(urlList.replace(/^file:\/\//, ""));
  const info = isRemote ? null : await stat(path).catch(() => null);
  const isFolder = info?.isDirectory() ?? urlList.endsWith("/");
  if (isFolder) {
    const { inputEnding } = settings;
    const isList = (name: string) =>
      inputEnding === null ? formatOf(name) !== null : name.endsWith(`.${inputEnding}`);
    return { base: path, matches: (name) => !name.includes("/") && isList(name) };
  }
  if (info === null && /[*?[]/.test(path)) {
    const parts = path.split("/");
    const first = parts.findIndex((part) => /[*?[]/.test(part));
    const pattern = globPattern(parts.slice(first).join("/"));
    return { base: parts.slice(0, first).join("/") || "/", matches: (name) => pattern.test(name) };
  }
  if (info === null && !isRemote)
    throw new UserError("url_list_missing", `There is no file, folder or match for ${urlList}`, {
      hint: "Check the path; put a glob in quotes.",
    });
  const [name, base] = [basename(path), dirname(path)];
  return { base, matches: (found) => found === name };
}

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

import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pictureName, UserError } from "@pairloom/config";
import type { LabelledPicture, LabelledSet } from "./evaluationSet.js";
import { LeftOut } from "./leftOut.js";

/**
 * Subfolders, one a class, in order: of `<split>/`, or of the folder itself where no split is asked for and there is no
 * `test/` with subfolders.
 *
 * @throws UserError "split_missing"
 */
export async function findClassFolders(folder: string, split: string | undefined): Promise<string[]> {
  const own = await subfolders(folder);
  const part = split ?? "test";
  const inside = own.includes(part) ? await subfolders(join(folder, part)) : [];
  if (inside.length > 0) return inside.map((name) => join(folder, part, name));
  if (split === undefined) return own.map((name) => join(folder, name));
  throw new UserError("split_missing", `${folder} has no ${split}/ with one subfolder a class`, {
    hint: own.length === 0 ? "Is it the right folder?" : `It has ${own.slice(0, 5).join(", ")}.`,
  });
}

async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name)
    .sort();
}

/**
 * Pictures in folders, one a class. A folder's name is its class's, with spaces for underscores.
 *
 * @param names in the order of the folders, instead
 * @throws UserError "classes_differ" where there are more or fewer names than folders
 */
export async function labelledFolders(
  folders: readonly string[],
  names: string[] | null,
): Promise<LabelledSet> {
  const own = folders.map((folder) => basename(folder));
  if (names !== null && names.length !== folders.length)
    throw new UserError(
      "classes_differ",
      `There are ${folders.length} folders, one a class, but ${names.length} class names`,
      { hint: `One name a line, in the order of the folders: ${own.slice(0, 3).join(", ")}, …` },
    );
  const leftOut = new LeftOut();
  const files = await Promise.all(folders.map(picturesIn));
  files.forEach((list, label) => {
    if (list.length === 0) leftOut.add("a class without pictures", own[label]!);
  });
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for (const [label, list] of files.entries())
      for (const file of list) yield { image: await readFile(file), label };
  }
  const classes = names ?? own.map((name) => name.replaceAll("_", " "));
  return { classes, templates: null, pictures: pictures(), leftOut };
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names
    .filter((name) => pictureName.test(name))
    .sort()
    .map((name) => join(folder, name));
}

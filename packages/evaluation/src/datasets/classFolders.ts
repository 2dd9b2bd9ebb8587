import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pictureName, UserError } from "@pairloom/config";
import { byCodePoint, walkFolder } from "@pairloom/storage";
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

/**
 * As torchvision's ImageFolder finds them: links to folders too, ordered by code points. A hidden one counts if it holds a
 * picture; a link to a folder above does not.
 */
async function subfolders(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if ((await stat(path).catch(() => null))?.isDirectory() !== true) continue;
    const isHidden = entry.name.startsWith(".");
    if (isHidden || entry.isSymbolicLink()) {
      const { files, problems } = await walkFolder(path);
      if (isHidden && !files.some((file) => pictureName.test(file))) continue;
      if (problems[0]?.path === "") continue;
    }
    found.push(entry.name);
  }
  return found.sort(byCodePoint);
}

/**
 * Pictures in folders, one a class. A folder's name is its class's, with spaces for underscores.
 *
 * @param folders siblings; what else lies beside them is counted as left out where it could have been a picture
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
  const files: string[][] = [];
  for (const folder of folders) files.push(await picturesIn(folder, leftOut));
  files.forEach((list, label) => {
    if (list.length === 0) leftOut.add("a class without pictures", own[label]!);
  });
  await countBeside(join(folders[0]!, ".."), own, leftOut);
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for (const [label, list] of files.entries())
      for (const from of list) {
        const image = await readFile(from).catch(() => null);
        if (image === null) leftOut.add("a picture's file can't be read", from);
        else yield { image, label, from };
      }
  }
  const classes = names ?? own.map((name) => name.replaceAll("_", " "));
  return { classes, templates: null, pictures: pictures(), leftOut };
}

async function picturesIn(folder: string, leftOut: LeftOut): Promise<string[]> {
  const { files, problems } = await walkFolder(folder);
  for (const { path, problem } of problems) leftOut.add(problem, join(folder, path));
  return files.flatMap((file) => {
    const path = join(folder, file);
    if (pictureName.test(file)) return [path];
    leftOut.add("a file that is no picture by its ending", path);
    return [];
  });
}

async function countBeside(parent: string, classes: readonly string[], leftOut: LeftOut): Promise<void> {
  for (const name of (await readdir(parent)).sort(byCodePoint)) {
    if (classes.includes(name)) continue;
    const path = join(parent, name);
    const found = await stat(path).catch(() => null);
    if (found === null) leftOut.add("a link that leads nowhere", path);
    else if (found.isDirectory())
      leftOut.add(name.startsWith(".") ? "a hidden folder without pictures" : "a link that leads back", path);
    else if (found.isFile() && pictureName.test(name)) leftOut.add("a picture outside of the classes", path);
  }
}

import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  type BarEntry,
  type BarListPaths,
  type BarListRef,
  type DedupeSettings,
  UserError,
} from "@pairloom/config";
import { publishBarList } from "@pairloom/service-sharder";
import type { Project } from "./openProject.js";
import { hashEvaluation } from "./hashEvaluation.js";
import { readBarFile } from "./readBarFile.js";

/**
 * Publishes the lists that these paths (relative ones from the project's folder) hold now: from here on a release means
 * their content, not the files.
 * @throws UserError naming the file, and the line that is wrong
 */
export async function fixBarLists(
  { dir, store }: Pick<Project, "dir" | "store">,
  paths: BarListPaths,
  settings: Pick<DedupeSettings, "minQuality">,
  warn: (line: string) => void,
): Promise<BarListRef[]> {
  const lists: BarListRef[] = [];
  for (const use of ["blocklist", "decontaminate"] as const) {
    for (const given of paths[use]) {
      const path = resolve(dir, given);
      const entries = (await holdsPictures(path))
        ? await picturesOf(path, settings, warn)
        : await readBarFile(path, use, settings);
      lists.push(await publishBarList(store, use, basename(path), entries));
    }
  }
  // One list named twice is one.
  return lists.filter(
    ({ use, sha256 }, at) => lists.findIndex((one) => one.use === use && one.sha256 === sha256) === at,
  );
}

async function holdsPictures(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory() || path.toLowerCase().endsWith(".tar");
  } catch (cause) {
    throw new UserError("list_missing", `The list ${path} can't be read: ${(cause as Error).message}`, {
      hint: "Name a text file, a file of JSON lines, a folder of pictures or a tar.",
      cause,
    });
  }
}

async function picturesOf(
  path: string,
  { minQuality }: Pick<DedupeSettings, "minQuality">,
  warn: (line: string) => void,
): Promise<BarEntry[]> {
  const { entries, pictures, flat, unreadable } = await hashEvaluation(path, minQuality);
  if (entries.length === 0) throw new UserError("list_empty", `There are no pictures in ${path}`);
  const [first] = unreadable;
  if (first !== undefined)
    warn(
      `${unreadable.length} of ${pictures} pictures in ${path} can't be decoded and are compared by their bytes alone ` +
        `(first: ${first.from}, ${first.reason})`,
    );
  if (flat > 0) warn(`${flat} of ${pictures} pictures in ${path} are too flat to compare but by their bytes`);
  return entries;
}

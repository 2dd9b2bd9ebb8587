import { readdir, stat } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";
import { tableFormatOf, tableFormats } from "@pairloom/tables";
import type { LabelRule } from "../labelRules.js";
import { captionedBenchmark, isBenchmarkFolder, labelledBenchmark } from "./benchmarkFolder.js";
import { findClassFolders, labelledFolders } from "./classFolders.js";
import type { CaptionedPicture, CaptionedSet, LabelledSet } from "./evaluationSet.js";
import { labelledRelease, ruleOfName } from "./labelledRelease.js";
import { LeftOut } from "./leftOut.js";
import {
  captionedTable,
  defaultColumns,
  labelledTable,
  type TableColumns,
  type TableOptions,
} from "./pictureTable.js";
import { releaseShards } from "./releaseShards.js";

export interface SetOptions {
  /** Subfolder of the data that is used; by default "test" where there is one. */
  split?: string | undefined;
  columns?: Partial<TableColumns> | undefined;
  /** How a table is read. */
  table?: TableOptions | undefined;
}

export interface LabelledSetOptions extends SetOptions {
  /** Class names by number. */
  classes?: string[] | undefined;
  /** How a release's texts tell the class; by default by its name. */
  rules?: readonly LabelRule[] | undefined;
}

/**
 * Opens pictures with classes: a folder in CLIP_benchmark's layout, a folder with one subfolder a class, a table (csv, tsv, JSON, parquet),
 * or a release whose texts say the class.
 *
 * @throws UserError where it is none of these or its parts don't fit
 */
export async function openLabelledSet(place: string, options: LabelledSetOptions = {}): Promise<LabelledSet> {
  const { classes, rules } = options;
  const split = options.split ?? "test";
  if ((await kindOf(place)) === "table") {
    return labelledTable(place, { ...defaultColumns, ...options.columns }, classes ?? null, options.table);
  }
  if (await isBenchmarkFolder(place, split)) return labelledBenchmark(place, split, classes ?? null);
  if (await holdsShards(place)) {
    const told = rules ?? (classes ?? []).map(ruleOfName);
    if (told.length >= 2) return labelledRelease(place, told);
    throw new UserError("classes_missing", `Nothing says which classes the pictures in ${place} have`, {
      hint: "Give --classes (names, one a line) or --labels (a JSON list of names and patterns).",
    });
  }
  const folders = await findClassFolders(place, options.split);
  if (folders.length > 0) return labelledFolders(folders, classes ?? null);
  throw unknown(place, "a folder with one subfolder a class, a csv, shards, or CLIP_benchmark's layout");
}

/**
 * Opens pictures with their texts: a folder in CLIP_benchmark's layout (several texts a picture), a table (a row a text), or shards with one text a picture.
 *
 * @throws UserError where it is none of these
 */
export async function openCaptionedSet(place: string, options: SetOptions = {}): Promise<CaptionedSet> {
  const { split = "test" } = options;
  if ((await kindOf(place)) === "table")
    return captionedTable(place, { ...defaultColumns, ...options.columns }, options.table);
  if (await isBenchmarkFolder(place, split)) return captionedBenchmark(place, split);
  if (!(await holdsShards(place))) throw unknown(place, "shards, a csv, or CLIP_benchmark's layout");
  const leftOut = new LeftOut();
  const reader = await releaseShards(place, leftOut);
  async function* pictures(): AsyncGenerator<CaptionedPicture> {
    for await (const { image, text } of reader) yield { image, captions: [text] };
  }
  return { pictures: pictures(), leftOut };
}

async function kindOf(place: string): Promise<"table" | "folder"> {
  const found = await stat(place).catch(() => null);
  if (found?.isDirectory() === true) return "folder";
  if (found?.isFile() === true && tableFormatOf(place) !== null) return "table";
  throw found === null
    ? new UserError("dataset_missing", `There is no dataset ${place}`, { hint: "Name a folder, or a csv." })
    : unknown(place, `a folder or a table (${tableFormats.join(", ")})`);
}

const holdsShards = async (folder: string): Promise<boolean> =>
  (await readdir(folder)).some((name) => name.endsWith(".tar"));

const unknown = (place: string, expected: string): UserError =>
  new UserError("dataset_unknown", `Expected ${place} to be ${expected}`, {
    hint: "docs/evaluation.md shows the layouts.",
  });

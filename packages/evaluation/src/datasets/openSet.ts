import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { tableFormatOf, tableFormats } from "@pairloom/tables";
import type { LabelRule } from "../labelRules.js";
import {
  benchmarkFoldersIn,
  captionedBenchmark,
  findBenchmarkFolder,
  labelledBenchmark,
} from "./benchmarkFolder.js";
import { findClassFolders, labelledFolders } from "./classFolders.js";
import type { CaptionedPicture, CaptionedSet, LabelledSet } from "./evaluationSet.js";
import { labelledRelease, ruleOfName } from "./labelledRelease.js";
import type { LabelKind } from "./labelNumber.js";
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
  /** What a table's labels are; by default names where each is a class's, else numbers. */
  labelKind?: LabelKind | undefined;
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
  const { classes, rules, split } = options;
  if ((await kindOf(place)) === "table") {
    return labelledTable(place, { ...defaultColumns, ...options.columns }, classes ?? null, {
      ...options.table,
      labelKind: options.labelKind,
    });
  }
  const benchmark = await findBenchmarkFolder(place, split);
  if (benchmark !== null) return labelledBenchmark(benchmark, classes ?? null);
  if (await holdsShards(place)) {
    const told = rules ?? (classes ?? []).map(ruleOfName);
    if (told.length >= 2) return labelledRelease(place, told);
    throw new UserError("classes_missing", `Nothing says which classes the pictures in ${place} have`, {
      hint: "Give --classes (names, one a line) or --labels (a JSON list of names and patterns).",
    });
  }
  await refuseCollection(place, split);
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
  const { split } = options;
  if ((await kindOf(place)) === "table")
    return captionedTable(place, { ...defaultColumns, ...options.columns }, options.table);
  const benchmark = await findBenchmarkFolder(place, split);
  if (benchmark !== null) return captionedBenchmark(benchmark);
  if (!(await holdsShards(place))) {
    await refuseCollection(place, split);
    throw unknown(place, "shards, a csv, or CLIP_benchmark's layout");
  }
  const leftOut = new LeftOut();
  const reader = await releaseShards(place, leftOut);
  async function* pictures(): AsyncGenerator<CaptionedPicture> {
    for await (const { image, text, key } of reader) yield { image, captions: [text], from: key };
  }
  return { pictures: pictures(), leftOut };
}

/** @throws UserError where the folder holds datasets in CLIP_benchmark's layout, one a folder */
async function refuseCollection(place: string, split: string | undefined): Promise<void> {
  const inside = await benchmarkFoldersIn(place, split);
  if (inside.length === 0) return;
  throw new UserError(
    "dataset_unknown",
    `${place} is no dataset but holds some: ${inside.slice(0, 5).join(", ")}`,
    {
      hint: `Name one of them, such as --data ${join(place, inside[0]!)}.`,
    },
  );
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

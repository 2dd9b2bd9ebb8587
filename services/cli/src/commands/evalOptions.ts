import { writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { EngineChoice } from "@pairloom/engine";
import type { BenchmarkResult, LabelKind, ListChoice, SetOptions } from "@pairloom/evaluation";
import { type Command, Option } from "commander";
import { newFile } from "../project/newFile.js";
import { openModel, type OpenModel } from "../project/openModel.js";
import { createSay, type Say } from "../terminal/say.js";
import type { BadRows } from "@pairloom/tables";
import { engineOption, forceOption, jsonOption, wholeNumber } from "./options.js";
import { badRowsOption, delimiterOption } from "./tableOptions.js";

/** Options of every evaluation. */
export interface EvalOptions {
  checkpoint: string;
  model?: string;
  force?: boolean;
  data: string;
  split?: string;
  pathColumn?: string;
  delimiter?: string;
  onBadRows: BadRows;
  limit?: number;
  batchSize: number;
  engine: EngineChoice;
  out?: string;
  json?: boolean;
}

export function addEvalOptions(command: Command): Command {
  return command
    .requiredOption("--checkpoint <file>", "the model's weights: a file, or a model's folder")
    .requiredOption(
      "--data <place>",
      "the dataset: a folder or a table, a csv for one (docs/evaluation.md shows the layouts)",
    )
    .option("--model <name>", "the model's config, where the weights don't tell it")
    .addOption(forceOption())
    .option("--split <name>", "part of the dataset (default: test, where there is one)")
    .option("--path-column <name>", "a table's column of picture files (default: path)")
    .addOption(delimiterOption())
    .addOption(badRowsOption("what to do with a row that isn't of the table's form: stop, or leave it out"))
    .option("--limit <n>", "pictures to look at, the first", wholeNumber(1))
    .option("--batch-size <n>", "pictures at once", wholeNumber(1), 64)
    .option("--out <file>", "write the result, as CLIP_benchmark does, to a new file")
    .addOption(engineOption().default("auto"))
    .addOption(jsonOption());
}

/** Options that say what a labelled dataset's classes are. */
export interface ClassOptions {
  classes?: string;
  labelColumn?: string;
  labelKind?: LabelKind;
}

export function addClassOptions(command: Command): Command {
  return command
    .option("--classes <file>", "class names, one a line, by number or in the order of the class folders")
    .option("--label-column <name>", "a table's column of class names or numbers (default: label)")
    .addOption(
      new Option(
        "--label-kind <kind>",
        "what a table's labels are (default: names where each is a class's, else numbers)",
      ).choices(["names", "numbers"]),
    );
}

/** What an evaluation comes to. */
export interface Evaluation {
  result: BenchmarkResult;
  /** Beside it in the JSON output. */
  counts: Record<string, unknown>;
  text: string;
}

/** Opens the model (one that can read CLIP's tokens, if the evaluation has texts), evaluates, prints and writes the result. */
export async function runEvaluation<O extends EvalOptions>(
  options: O,
  readsTexts: boolean,
  evaluate: (opened: OpenModel, options: O, say: Say) => Promise<Evaluation>,
): Promise<void> {
  const say = createSay(options.json ?? false);
  const opened = await openModel({ ...options, readsTexts }, (line) => say.warn(line));
  try {
    const { result, counts, text } = await evaluate(opened, options, say);
    const { out } = options;
    if (out !== undefined) await newFile(out, (beside) => writeFile(beside, `${JSON.stringify(result)}\n`));
    say.result({ ...result, ...counts }, text);
  } finally {
    await opened.close();
  }
}

export const subjectOf = (model: string, { data, checkpoint }: EvalOptions) => ({
  dataset: basename(resolve(data)),
  model,
  pretrained: checkpoint,
});

/** Whose list of a file with lists of several datasets is read. */
export const listChoice = ({ data }: EvalOptions, say: Say): ListChoice => ({
  dataset: basename(resolve(data)),
  note: (line) => say.warn(line),
});

/** Where and how a dataset is read. */
export const setOptions = (
  { split, pathColumn, delimiter, onBadRows: badRows, json }: EvalOptions,
  columns: { label?: string | undefined; caption?: string | undefined },
): SetOptions => {
  const named = Object.entries({ path: pathColumn, ...columns }).filter(([, name]) => name !== undefined);
  const onNote = (note: string) => createSay(json ?? false).warn(note);
  return { split, columns: Object.fromEntries(named), table: { delimiter, badRows, onNote } };
};

/** The lines of a classification's text that say how much of it was right, the last with a note. */
export const accuracyLines = (
  { top1, top5, meanPerClass }: { top1: number; top5: number; meanPerClass: number },
  classes: number,
  note = "",
): string[] => [
  `  right at once        ${percent(top1)}`,
  ...(classes >= 5 ? [`  right among five     ${percent(top5)}`] : []),
  `  mean over classes    ${percent(meanPerClass)}${note}`,
];

/** The end of a line that says how many pictures there are. */
export const unreadPictures = (skipped: number): string =>
  skipped > 0 ? `; ${skipped} pictures could not be read` : "";

export const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

import { UserError } from "@pairloom/config";
import type { LabelledSet } from "@pairloom/evaluation";
import type { Command } from "commander";
import type { OpenModel } from "../project/openModel.js";
import { readLabelRules } from "../project/readLabelRules.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import type { Say } from "../terminal/say.js";
import {
  accuracyLines,
  addClassOptions,
  addEvalOptions,
  type ClassOptions,
  type EvalOptions,
  type Evaluation,
  listChoice,
  percent,
  runEvaluation,
  setOptions,
  subjectOf,
  unreadPictures,
} from "./evalOptions.js";

interface ZeroShotOptions extends EvalOptions, ClassOptions {
  labels?: string;
  templates?: string;
}

/** `pairloom eval zeroshot`. */
export function addZeroShotCommand(evaluation: Command): void {
  addClassOptions(
    addEvalOptions(
      evaluation.command("zeroshot").description("classify pictures by the names of classes alone"),
    ),
  )
    .option("--labels <file>", 'a release\'s classes by rule: JSON, [{"name": …, "pattern": …}]')
    .option(
      "--templates <name>",
      "prompts: openai-80, openai-7, plain, or a file with one a line, {} for the name and {s} for its plural," +
        " or CLIP_benchmark's JSON" +
        " (default: the dataset's own, or plain)",
    )
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ pairloom eval zeroshot --checkpoint model.safetensors --model ViT-B-32 --data pictures/ --templates openai-7   # pictures/CLASS/*.jpg\n" +
        "  $ pairloom eval zeroshot --checkpoint model.safetensors --model ViT-B-32 --data wds_cifar10/   # CLIP_benchmark's layout\n" +
        "  $ pairloom eval zeroshot --checkpoint model.safetensors --model ViT-B-32 --data data/releases/r0001 --classes names.txt\n",
    )
    .action((options: ZeroShotOptions) => runEvaluation(options, true, evaluateZeroShot));
}

async function evaluateZeroShot(
  { model, name }: OpenModel,
  options: ZeroShotOptions,
  say: Say,
): Promise<Evaluation> {
  const { embedSet } = await import("../project/embedSet.js");
  const evaluation = await import("@pairloom/evaluation");
  const set = await evaluation.openLabelledSet(options.data, {
    ...setOptions(options, { label: options.labelColumn }),
    classes:
      options.classes === undefined
        ? undefined
        : await evaluation.readClassList(options.classes, listChoice(options, say)),
    labelKind: options.labelKind,
    rules: options.labels === undefined ? undefined : await readLabelRules(options.labels),
  });
  const classes = namesOf(set, options.data);
  const templates = await templatesOf(set, options, say);
  const { features, kept, skipped, ...left } = await embedSet(
    model,
    set,
    ({ label }) => label,
    { ...options, name: options.data },
    say,
  );
  const live = new LiveBlock();
  const prompts = classes.map((own) => evaluation.classPrompts(own, templates));
  const classFeatures = await evaluation.classFeatures(model, prompts, {
    progress: (done) => live.draw(`classes: ${done} of ${classes.length}`, `classes: ${done}`),
  });
  const result = await evaluation.zeroShot(features, classFeatures, kept);
  return {
    result: evaluation.zeroShotBenchmark(subjectOf(name, options), result, classes, templates),
    counts: { samples: result.samples, skipped, ...left },
    text: [
      `${result.samples} pictures of ${classes.length} classes, ${templates.length} templates` +
        unreadPictures(skipped),
      ...accuracyLines(result, classes.length, `   (by chance ${percent(1 / classes.length)})`),
    ].join("\n"),
  };
}

function namesOf({ classes }: LabelledSet, data: string): string[] {
  if (classes !== null && classes.length >= 2) return classes;
  throw new UserError(
    classes === null ? "classes_missing" : "classes_too_few",
    classes === null
      ? `The classes of ${data} have numbers but no names`
      : `${data} has ${classes.length} class`,
    {
      hint:
        classes === null
          ? "Give --classes: names, one a line, the first for number 0."
          : "There must be two to choose from.",
    },
  );
}

async function templatesOf(
  { templates }: LabelledSet,
  options: ZeroShotOptions,
  say: Say,
): Promise<readonly string[]> {
  const { checkTemplates, plainTemplates, readTemplates } = await import("@pairloom/evaluation");
  if (options.templates !== undefined) return readTemplates(options.templates, listChoice(options, say));
  return templates === null
    ? plainTemplates
    : checkTemplates(templates, `The template list of ${options.data}`);
}

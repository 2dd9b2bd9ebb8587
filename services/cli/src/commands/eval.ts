import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { UserError } from "@pairloom/config";
import type { EngineChoice } from "@pairloom/engine";
import type { Command } from "commander";
import { labelledPictures, linesOf } from "../project/labelledPictures.js";
import { openModel, type OpenModel } from "../project/openModel.js";
import { createSay, type Say } from "../terminal/say.js";
import { engineOption, jsonOption, wholeNumber } from "./options.js";

interface EvalOptions {
  checkpoint: string;
  model?: string;
  data: string;
  limit?: number;
  batchSize: number;
  engine: EngineChoice;
  json?: boolean;
}

type ZeroShotOptions = EvalOptions & { classes?: string; labels?: string; templates?: string };

/** `pairloom eval`: what a model can do without further training; results in CLIP_benchmark's form. */
export function addEvalCommand(program: Command): void {
  const evaluation = program
    .command("eval")
    .description("retrieval and zero-shot accuracy of a checkpoint, in CLIP_benchmark's form");
  addCommonOptions(
    evaluation
      .command("retrieval")
      .description("find pictures by their captions and captions by their pictures: recall at 1, 5 and 10"),
  )
    .addHelpText(
      "after",
      "\nExample:\n  $ pairloom eval retrieval --checkpoint runs/first/checkpoints/step-000500.safetensors --data data/releases/r0001\n",
    )
    .action((options: EvalOptions) => withModel(options, evaluateRetrieval));
  addCommonOptions(
    evaluation.command("zeroshot").description("classify pictures by the names of classes alone"),
  )
    .option("--classes <file>", "names, one a line: of the subfolders in order, or that captions name")
    .option("--labels <file>", 'a release\'s classes by rule: JSON, [{"name": …, "pattern": …}]')
    .option("--templates <file>", "prompts, one a line; {} stands for the name, {s} for its plural")
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ pairloom eval zeroshot --checkpoint model.safetensors --model ViT-B-32 --data pictures/   # pictures/CLASS/*.jpg\n" +
        "  $ pairloom eval zeroshot --checkpoint model.safetensors --model ViT-B-32 --data data/releases/r0001 --classes names.txt\n",
    )
    .action((options: ZeroShotOptions) => withModel(options, evaluateZeroShot));
}

function addCommonOptions(command: Command): Command {
  return command
    .requiredOption("--checkpoint <file>", "the model's weights (safetensors or .pt, open_clip's keys)")
    .requiredOption("--data <folder>", "a release, or any webdataset shards (zeroshot: or a folder by class)")
    .option("--model <name>", "the model's config, where none lies beside the checkpoint")
    .option("--limit <n>", "pictures to look at, the first", wholeNumber(1))
    .option("--batch-size <n>", "pictures at once", wholeNumber(1), 64)
    .addOption(engineOption().default("auto"))
    .addOption(jsonOption());
}

async function withModel<O extends EvalOptions>(
  options: O,
  evaluate: (opened: OpenModel, options: O, say: Say) => Promise<void>,
): Promise<void> {
  const say = createSay(options.json ?? false);
  const opened = await openModel(options.checkpoint, options.engine, options.model);
  try {
    await evaluate(opened, options, say);
  } finally {
    await opened.close();
  }
}

async function evaluateRetrieval({ model, name }: OpenModel, options: EvalOptions, say: Say): Promise<void> {
  const [{ embedPictures, retrieval, retrievalBenchmark, textFeatures }, { openShards }] = await Promise.all([
    import("@pairloom/evaluation"),
    import("@pairloom/shards"),
  ]);
  const samples = first(await openShards(options.data), options.limit);
  const batchSize = options.batchSize;
  const { features, kept, skipped } = await embedPictures(model, samples, ({ text }) => text, { batchSize });
  checkSome(features.rows, options.data);
  const result = retrieval(features, await textFeatures(model, kept, batchSize), kept);
  const benchmark = retrievalBenchmark(subjectOf(name, options), result);
  const { pairs, repeatedCaptions, textToImage, imageToText } = result;
  const row = (name: string, recall: Record<number, number>) =>
    `  ${name.padEnd(34)}${[1, 5, 10].map((k) => percent(recall[k]!).padStart(9)).join("")}`;
  say.result(
    { ...benchmark, pairs, repeatedCaptions, skipped, equalCaptions: { textToImage, imageToText } },
    [
      `${pairs} pairs, ${repeatedCaptions} with a caption that occurs more than once${skippedText(skipped)}`,
      `  ${"recall at".padEnd(34)}        1        5       10`,
      row("text → its picture", result.strict.textToImage),
      row("picture → its text", result.strict.imageToText),
      row("text → a picture of that text", textToImage),
      row("picture → a text like its own", imageToText),
    ].join("\n"),
  );
}

async function evaluateZeroShot(
  { model, name: modelName }: OpenModel,
  options: ZeroShotOptions,
  say: Say,
): Promise<void> {
  const evaluation = await import("@pairloom/evaluation");
  const data = await labelledPictures(options.data, {
    classesFile: options.classes,
    rulesFile: options.labels,
  });
  const templates =
    options.templates === undefined
      ? [...evaluation.plainTemplates]
      : linesOf(await readFile(options.templates, "utf8"));
  checkTemplates(templates, options.templates);
  const { features, kept, skipped } = await evaluation.embedPictures(
    model,
    first(data.pictures, options.limit),
    ({ label }) => label,
    { batchSize: options.batchSize },
  );
  checkSome(features.rows, options.data);
  const prompts = data.classes.map((name) => evaluation.classPrompts(name, templates));
  const result = evaluation.zeroShot(features, await evaluation.classFeatures(model, prompts), kept);
  const benchmark = evaluation.zeroShotBenchmark(
    subjectOf(modelName, options),
    result,
    data.classes,
    templates,
  );
  say.result(
    { ...benchmark, samples: result.samples, skipped, unlabelled: data.unlabelled() },
    [
      `${result.samples} pictures of ${data.classes.length} classes, ${templates.length} templates` +
        skippedText(skipped) +
        (data.unlabelled() > 0 ? `; ${data.unlabelled()} without a class left out` : ""),
      `  right at once        ${percent(result.top1)}`,
      ...(data.classes.length >= 5 ? [`  right among five     ${percent(result.top5)}`] : []),
      `  mean over classes    ${percent(result.meanPerClass)}   (by chance ${percent(1 / data.classes.length)})`,
    ].join("\n"),
  );
}

function subjectOf(model: string, { data, checkpoint }: EvalOptions) {
  return { dataset: basename(resolve(data)), model, pretrained: checkpoint };
}

async function* first<T>(items: AsyncIterable<T>, most = Infinity): AsyncGenerator<T> {
  let count = 0;
  for await (const item of items) {
    if (count++ >= most) return;
    yield item;
  }
}

function checkSome(pictures: number, data: string): void {
  if (pictures > 0) return;
  throw new UserError("nothing_to_evaluate", `No picture of ${data} could be used`, {
    hint: "Are there shards or class folders, do captions name the classes?",
  });
}

function checkTemplates(templates: readonly string[], file: string | undefined): void {
  const bad = templates.find((template) => !/\{s?\}/.test(template));
  if (templates.length > 0 && bad === undefined) return;
  throw new UserError(
    "templates_invalid",
    `${file} has ${bad === undefined ? "no template" : `the template "${bad}"`}`,
    {
      hint: "One prompt a line, with {} for the class's name, or {s} for its plural.",
    },
  );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const skippedText = (skipped: number) => (skipped > 0 ? `; ${skipped} pictures could not be read` : "");

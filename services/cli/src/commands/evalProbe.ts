import { UserError } from "@pairloom/config";
import type { LabelledFeatures, LabelledSet } from "@pairloom/evaluation";
import { type Command, InvalidArgumentError } from "commander";
import type { OpenModel } from "../project/openModel.js";
import type { Say } from "../terminal/say.js";
import {
  accuracyLines,
  addClassOptions,
  addEvalOptions,
  type ClassOptions,
  type EvalOptions,
  type Evaluation,
  listChoice,
  runEvaluation,
  setOptions,
  subjectOf,
} from "./evalOptions.js";
import { wholeNumber } from "./options.js";

interface ProbeOptions extends EvalOptions, ClassOptions {
  trainData?: string;
  trainSplit?: string;
  valData?: string;
  valSplit?: string;
  c?: number;
  seed: number;
  maxIterations: number;
}

/** `pairloom eval probe`. */
export function addProbeCommand(evaluation: Command): void {
  addClassOptions(
    addEvalOptions(
      evaluation
        .command("probe")
        .description(
          "a linear classifier on frozen features: logistic regression, trained on one part, tested on another",
        ),
    ),
  )
    .option("--train-data <place>", "pictures to train on (default: --data's train split)")
    .option("--train-split <name>", "part of it (default: train)")
    .option("--val-data <place>", "pictures to choose C on (default: a fifth of the training pictures)")
    .option("--val-split <name>", "part of it, or of --data")
    .option(
      "--c <number>",
      "inverse strength of the penalty; without it a sweep on validation pictures chooses",
      positive,
    )
    .option("--seed <n>", "draws the validation pictures", wholeNumber(0), 0)
    .option("--max-iterations <n>", "iterations of L-BFGS", wholeNumber(1), 1000)
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ pairloom eval probe --checkpoint model.safetensors --model ViT-B-32 --data flowers/   # flowers/train/CLASS, flowers/test/CLASS\n" +
        "  $ pairloom eval probe --checkpoint model.safetensors --model ViT-B-32 --data test.csv --train-data train.csv --c 3.16\n",
    )
    .action((options: ProbeOptions) => runEvaluation(options, false, evaluateProbe));
}

async function evaluateProbe(
  { model, name }: OpenModel,
  options: ProbeOptions,
  say: Say,
): Promise<Evaluation> {
  const { embedSet } = await import("../project/embedSet.js");
  const { linearProbe, openLabelledSet, probeBenchmark, readClassList } =
    await import("@pairloom/evaluation");
  const given =
    options.classes === undefined
      ? undefined
      : await readClassList(options.classes, listChoice(options, say));
  const open = (place: string, split: string | undefined) =>
    openLabelledSet(place, {
      ...setOptions(
        { ...options, ...(split === undefined ? {} : { split }) },
        { label: options.labelColumn },
      ),
      classes: given,
      labelKind: options.labelKind,
    });
  const trainPlace = options.trainData ?? options.data;
  const apart = options.trainData !== undefined;
  if (!apart && /\.(csv|tsv)$/i.test(options.data))
    throw new UserError("train_data_missing", "A csv has no parts: nothing says what to train on", {
      hint: "Give the training pictures with --train-data.",
    });
  // parts of one folder must be named: else both could be the whole
  const trainSet = await open(trainPlace, options.trainSplit ?? (apart ? undefined : "train"));
  const testSet = await open(options.data, options.split ?? (apart ? undefined : "test"));
  const validationSet =
    options.valData === undefined && options.valSplit === undefined
      ? undefined
      : await open(options.valData ?? trainPlace, options.valSplit);
  const classes = trainSet.classes;
  const embed = async (set: LabelledSet, part: string) => {
    const numberOf = numbersLike(set, classes, part);
    const { batchSize, limit } = options;
    const keep = ({ label }: { label: number }) => numberOf(label);
    const { features, kept, skipped, ...left } = await embedSet(
      model,
      set,
      keep,
      { batchSize, limit, name: part },
      say,
    );
    const embedded: LabelledFeatures = { features, labels: kept };
    return { embedded, counts: { pictures: kept.length, skipped, ...left } };
  };
  const train = await embed(trainSet, "training pictures");
  const validation =
    validationSet === undefined ? undefined : await embed(validationSet, "validation pictures");
  const test = await embed(testSet, "test pictures");
  const { seed, maxIterations, c } = options;
  const result = await linearProbe(train.embedded, test.embedded, {
    c,
    validation: validation?.embedded,
    seed,
    maxIterations,
    progress: (line) => say.info(line),
  });
  const { classifier, tried } = result;
  if (!classifier.converged)
    say.warn(`no minimum after ${classifier.iterations} iterations (--max-iterations)`);
  const count =
    classes?.length ??
    1 + [...train.embedded.labels, ...test.embedded.labels].reduce((a, b) => Math.max(a, b), 0);
  return {
    result: probeBenchmark(subjectOf(name, options), result, count, seed),
    counts: {
      samples: result.samples,
      train: train.counts,
      ...(validation === undefined ? {} : { validation: validation.counts }),
      test: test.counts,
      loss: classifier.loss,
      iterations: classifier.iterations,
      converged: classifier.converged,
      tried,
    },
    text: [
      `${train.embedded.labels.length} training and ${result.samples} test pictures of ${count} classes, C = ${result.c.toPrecision(3)}`,
      ...accuracyLines(result, count),
    ].join("\n"),
  };
}

/** A part's class numbers as the training part's: by their names, where both have names. */
function numbersLike(
  { classes }: LabelledSet,
  wanted: readonly string[] | null,
  part: string,
): (label: number) => number {
  if (classes === null || wanted === null) return (label) => label;
  const numbers = classes.map((name) => wanted.indexOf(name));
  return (label) => {
    if (numbers[label]! >= 0) return numbers[label]!;
    throw new UserError(
      "label_unknown",
      `Some ${part} are of the class "${classes[label]}", which is not trained on`,
      {
        hint: `The training pictures' classes are ${wanted.slice(0, 5).join(", ")}${wanted.length > 5 ? ", …" : ""}.`,
      },
    );
  };
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0 && Number.isFinite(value)))
    throw new InvalidArgumentError(`expected a number above 0, got ${JSON.stringify(text)}`);
  return value;
}

import { join } from "node:path";
import { imageSize, type ModelConfig, preprocessingOf } from "@pairloom/clip";
import type { ShardSample } from "@pairloom/shards";
import type { Tokenizer } from "@pairloom/tokenizer";
import { type ModelInTraining, textsOf, type TrainSettings } from "@pairloom/training";
import { imageFeatures, textFeatures } from "../encodeFeatures.js";
import type { FeatureTable } from "../featureTable.js";
import { labelRules } from "../labelRules.js";
import { preprocessPicture } from "../preprocessPicture.js";
import { retrieval, type RetrievalResult } from "../retrieval.js";
import { classPrompts } from "../templates/classPrompts.js";
import { plainTemplates } from "../templates/plainTemplates.js";
import { classFeatures, zeroShot } from "../zeroShot.js";
import { namedRules, readClassNames } from "./classNames.js";
import { evaluationSize } from "./evaluationSize.js";
import { evaluationSlice } from "./evaluationSlice.js";
import { sampleReport, writePictures, writeSampleReport } from "./sampleReport.js";

type EvaluationSettings = Pick<
  TrainSettings,
  "data" | "out" | "seed" | "batchSize" | "steps" | "evaluateEvery" | "evaluateData" | "zeroShotClasses"
>;

/** The evaluation of a run under way: its numbers by name. */
export type TrainingEvaluation = (model: ModelInTraining) => Promise<Record<string, number>>;

/** Pixels of all pairs that may stay in memory between evaluations. */
const keptPixelBytes = 64 * 2 ** 20;
const chunk = 64;

/**
 * Opens the evaluation of a training: recall both ways on a fixed slice of held-out pairs, or, where none are given, of the
 * training pairs (then names begin with `seen_`: they say how well pairs are told apart that were learned); top-1 and top-5
 * accuracy zero-shot where there are class names; and pictures with the captions found for them in `<out>/samples`.
 * Names are open_clip's: `image_to_text_R@1`, `zeroshot-val-top1`.
 *
 * @throws UserError where the held-out pairs or the class names can't be read
 */
export async function openTrainingEvaluation(
  settings: EvaluationSettings,
  tokenizer: Tokenizer,
  log: (line: string) => void,
): Promise<TrainingEvaluation> {
  const heldOut = settings.evaluateData !== null;
  const classes = settings.zeroShotClasses === null ? [] : await readClassNames(settings.zeroShotClasses);
  const { pairs, promptsPerClass } = evaluationSize({
    every: settings.evaluateEvery ?? settings.steps ?? Infinity,
    batchSize: settings.batchSize,
    classes: classes.length,
    prompts: plainTemplates.length,
  });
  // what can be wrong with held-out pairs is found before the first step; the training's own are checked by the training
  const early = heldOut ? await openPairs(settings, pairs, classes) : null;
  const prompts = classes.map((name) =>
    classPrompts(name, promptsPerClass === "all" ? plainTemplates : ["a picture of a {}"]),
  );
  const folder = join(settings.out, "samples");
  const prefix = heldOut ? "" : "seen_";
  const begin = async () => {
    const opened = early ?? (await openPairs(settings, pairs, classes));
    log(
      `evaluating on ${opened.samples.length} ${heldOut ? "held-out pairs" : "training pairs (--evaluate-data names held-out ones)"}` +
        (classes.length === 0 ? "" : `, ${opened.rows.length} of them of one of ${classes.length} classes`),
    );
    const files = await writePictures(
      folder,
      opened.samples.map(({ image }) => image),
    );
    return { ...opened, files };
  };
  let begun: ReturnType<typeof begin> | null = null;

  return async ({ step, config, parameters }) => {
    const started = performance.now();
    const { samples, captions, keys, rows, labels, pixels, files } = await (begun ??= begin());
    const model = { config, parameters, tokenizer };
    const pictures = await pixels.features(model);
    const texts = await textFeatures(model, captions, chunk);
    await writeSampleReport(folder, sampleReport({ step, heldOut, files, keys }, pictures, texts, captions));
    const numbers = {
      ...recallNumbers(prefix, await retrieval(pictures, texts, captions)),
      [`${prefix}num_samples`]: samples.length,
    };
    if (rows.length > 0) {
      const result = await zeroShot(rowsOf(pictures, rows), await classFeatures(model, prompts), labels);
      numbers[`${prefix}zeroshot-val-top1`] = result.top1;
      if (classes.length > 5) numbers[`${prefix}zeroshot-val-top5`] = result.top5;
    }
    numbers["seconds"] = Math.round(performance.now() - started) / 1000;
    return numbers;
  };
}

function recallNumbers(
  prefix: string,
  { imageToText, textToImage }: RetrievalResult,
): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [name, recall] of Object.entries({ image_to_text: imageToText, text_to_image: textToImage }))
    for (const [k, value] of Object.entries(recall) as [string, number][])
      numbers[`${prefix}${name}_R@${k}`] = value;
  return numbers;
}

/** The slice with what is known of it before any model is asked. */
async function openPairs(settings: EvaluationSettings, pairs: number, classes: readonly string[]) {
  const place = settings.evaluateData ?? settings.data;
  const samples = await usable(await evaluationSlice(place, { pairs, seed: settings.seed }));
  return {
    samples,
    captions: samples.map(({ text }) => text),
    keys: samples.map(({ key }) => key),
    pixels: new PixelSource(samples),
    ...labelled(samples, classes),
  };
}

/** Pictures that can be decoded. */
async function usable(samples: readonly ShardSample[]): Promise<ShardSample[]> {
  const good = await Promise.all(
    samples.map(({ image }) =>
      preprocessPicture(image, { size: 8 }).then(
        () => true,
        () => false,
      ),
    ),
  );
  return samples.filter((_, i) => good[i]);
}

/** The pairs whose texts name one class alone. */
function labelled(samples: readonly ShardSample[], classes: readonly string[]) {
  const labelOf = labelRules(namedRules(classes));
  const rows: number[] = [];
  const labels: number[] = [];
  samples.forEach((sample, row) => {
    const label = labelOf(textsOf(sample));
    if (label === null) return;
    rows.push(row);
    labels.push(label);
  });
  return { rows, labels };
}

function rowsOf({ width, data }: FeatureTable, rows: readonly number[]): FeatureTable {
  const chosen = new Float32Array(rows.length * width);
  rows.forEach((row, at) => chosen.set(data.subarray(row * width, (row + 1) * width), at * width));
  return { rows: rows.length, width, data: chosen };
}

/** Preprocessed pictures, a chunk at a time: kept where all fit the budget, else decoded anew. */
class PixelSource {
  private readonly kept = new Map<number, Float32Array>();

  constructor(private readonly samples: readonly ShardSample[]) {}

  async features(model: Parameters<typeof imageFeatures>[0]): Promise<FeatureTable> {
    const width = model.config.embed_dim;
    const data = new Float32Array(this.samples.length * width);
    for (let start = 0; start < this.samples.length; start += chunk) {
      const features = await imageFeatures(model, await this.pixels(start, model.config), chunk);
      data.set(features.data, start * width);
    }
    return { rows: this.samples.length, width, data };
  }

  private async pixels(start: number, config: ModelConfig): Promise<Float32Array> {
    const before = this.kept.get(start);
    if (before !== undefined) return before;
    const preprocessing = preprocessingOf(config);
    const [height, width] = imageSize(config.vision_cfg);
    const size = height * width * 3;
    const group = this.samples.slice(start, start + chunk);
    const pixels = new Float32Array(group.length * size);
    await Promise.all(
      group.map(async ({ image }, i) => pixels.set(await preprocessPicture(image, preprocessing), i * size)),
    );
    if (4 * size * this.samples.length <= keptPixelBytes) this.kept.set(start, pixels);
    return pixels;
  }
}

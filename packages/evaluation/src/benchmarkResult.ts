import type { Classification } from "./classify.js";
import type { ProbeResult } from "./probe/linearProbe.js";
import type { RetrievalResult } from "./retrieval.js";

/** A result in the form of CLIP_benchmark's JSON files, which `clip_benchmark build` gathers into a table. */
export interface BenchmarkResult {
  dataset: string;
  model: string;
  /** The weights' file. */
  pretrained: string;
  task: "zeroshot_retrieval" | "zeroshot_classification" | "linear_probe";
  /** null where a number has no meaning, as CLIP_benchmark's NaN. */
  metrics: Record<string, number | boolean | null>;
  language: "en";
  classnames?: string[];
  templates?: string[];
}

type Subject = Pick<BenchmarkResult, "dataset" | "model" | "pretrained">;

/** Recall where a text's own picture alone is right, as CLIP_benchmark counts: "image" looks for images by their texts. */
export function retrievalBenchmark(subject: Subject, { strict }: RetrievalResult): BenchmarkResult {
  const metrics: Record<string, number> = {};
  for (const k of Object.keys(strict.textToImage).map(Number)) {
    metrics[`image_retrieval_recall@${k}`] = strict.textToImage[k]!;
    metrics[`text_retrieval_recall@${k}`] = strict.imageToText[k]!;
  }
  return { ...subject, task: "zeroshot_retrieval", metrics, language: "en" };
}

/** Accuracy at 1 and 5 (none at 5 among fewer classes) and the mean recall of the classes that occur. */
export function zeroShotBenchmark(
  subject: Subject,
  result: Classification,
  classnames: readonly string[],
  templates: readonly string[],
): BenchmarkResult {
  const metrics = accuracies(result, classnames.length, "");
  return {
    ...subject,
    task: "zeroshot_classification",
    metrics,
    language: "en",
    classnames: [...classnames],
    templates: [...templates],
  };
}

/** The same of a linear probe, under CLIP_benchmark's names, and the penalty's C. @param classes how many there are */
export function probeBenchmark(
  subject: Subject,
  result: ProbeResult,
  classes: number,
  seed: number,
): BenchmarkResult {
  const metrics = {
    ...accuracies(result, classes, "lp_"),
    C: result.c,
    seed,
    fewshot_k: -1,
    normalized: true,
  };
  return { ...subject, task: "linear_probe", metrics, language: "en" };
}

const accuracies = ({ top1, top5, meanPerClass }: Classification, classes: number, prefix: string) => ({
  [`${prefix}acc1`]: top1,
  [`${prefix}acc5`]: classes >= 5 ? top5 : null,
  [`${prefix}mean_per_class_recall`]: meanPerClass,
});

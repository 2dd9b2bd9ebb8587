import type { RetrievalResult } from "./retrieval.js";
import type { ZeroShotResult } from "./zeroShot.js";

/** A result in the form of CLIP_benchmark's JSON files, which `clip_benchmark build` gathers into a table. */
export interface BenchmarkResult {
  dataset: string;
  model: string;
  /** The weights' file. */
  pretrained: string;
  task: "zeroshot_retrieval" | "zeroshot_classification";
  /** null where a number has no meaning, as CLIP_benchmark's NaN. */
  metrics: Record<string, number | null>;
  language: "en";
  classnames?: string[];
  templates?: string[];
}

type Subject = Pick<BenchmarkResult, "dataset" | "model" | "pretrained">;

/** Recall where a pair's own partner alone is right, as CLIP_benchmark counts: "image" looks for images by their texts. */
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
  { top1, top5, meanPerClass }: ZeroShotResult,
  classnames: readonly string[],
  templates: readonly string[],
): BenchmarkResult {
  const acc5 = classnames.length >= 5 ? top5 : null;
  return {
    ...subject,
    task: "zeroshot_classification",
    metrics: { acc1: top1, acc5, mean_per_class_recall: meanPerClass },
    language: "en",
    classnames: [...classnames],
    templates: [...templates],
  };
}

import { expect, test } from "vitest";
import { retrievalBenchmark, zeroShotBenchmark } from "../src/benchmarkResult.js";

const subject = { dataset: "d", model: "m", pretrained: "p" };

test("retrieval has CLIP_benchmark's names: image by text, text by image, the own partner alone", () => {
  const loose = { textToImage: { 1: 1, 5: 1 }, imageToText: { 1: 1, 5: 1 } };
  const strict = { textToImage: { 1: 0.1, 5: 0.5 }, imageToText: { 1: 0.2, 5: 0.6 } };
  expect(
    retrievalBenchmark(subject, { pictures: 9, texts: 9, repeatedCaptions: 0, ...loose, strict }),
  ).toEqual({
    ...subject,
    task: "zeroshot_retrieval",
    language: "en",
    metrics: {
      "image_retrieval_recall@1": 0.1,
      "image_retrieval_recall@5": 0.5,
      "text_retrieval_recall@1": 0.2,
      "text_retrieval_recall@5": 0.6,
    },
  });
});

test("zero-shot has no accuracy at five among fewer than five classes", () => {
  const result = {
    top1: 0.5,
    top5: 1,
    meanPerClass: 0.4,
    samples: 2,
    answers: new Int32Array(2),
  };
  expect(zeroShotBenchmark(subject, result, ["a", "b"], ["{}"]).metrics).toEqual({
    acc1: 0.5,
    acc5: null,
    mean_per_class_recall: 0.4,
  });
  expect(zeroShotBenchmark(subject, result, ["a", "b", "c", "d", "e"], ["{}"]).metrics["acc5"]).toBe(1);
});

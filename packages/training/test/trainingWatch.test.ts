import type { LossKind } from "@pairloom/clip";
import { describe, expect, test } from "vitest";
import type { StepMetrics } from "../src/run/metricsLog.js";
import { captionWarnings, TrainingWatch } from "../src/run/trainingWatch.js";

const settings = { batchSize: 64, loss: "clip" as LossKind, warmup: 20, maxLogitScale: 100 };
const guessing = Math.log(64);

/** What is warned of in a training whose steps have these numbers, with the step of each warning. */
function warned(
  steps: number,
  numbers: (step: number) => Partial<StepMetrics>,
  more: Partial<typeof settings> = {},
): { step: number; warning: string }[] {
  const watch = new TrainingWatch({ ...settings, ...more });
  const found: { step: number; warning: string }[] = [];
  for (let step = 1; step <= steps; step++) {
    const sound = {
      ...{ step, epoch: 0, loss: 1, logitScale: 20, gradientNorm: 1, lr: 1e-3, samplesPerSecond: 100 },
      ...{ dataWaitMs: 1, stepMs: 100, residentMegabytes: 300, tensors: 50 },
      ...{ falseNegatives: 0, truncatedCaptions: 0 },
    };
    for (const warning of watch.observe({ ...sound, ...numbers(step) })) found.push({ step, warning });
  }
  return found;
}

test("a training whose numbers are sound is warned of nothing", () => {
  expect(warned(1000, (step) => ({ loss: guessing * 0.995 ** step }))).toEqual([]);
});

describe("a loss that stays at what guessing gives", () => {
  test("is warned of once, 200 steps after the warm-up", () => {
    const found = warned(1000, () => ({ loss: guessing }));
    expect(found).toHaveLength(1);
    expect(found[0]!.step).toBe(220);
    expect(found[0]!.warning).toContain("ln(64) = 4.16");
  });
  test("is another for SigLIP's: 5.15 for 64 pairs, of which ln(64) is what a training that learns goes past", () => {
    const found = warned(1000, () => ({ loss: 5.15 }), { loss: "siglip" });
    expect(found.map(({ step }) => step)).toEqual([220]);
    expect(found[0]!.warning).toContain("stays at 5.15, which guessing gives");
    expect(warned(1000, () => ({ loss: guessing }), { loss: "siglip" })).toEqual([]);
  });
  test("is none if it falls in the last fifty steps, nor above guessing's share", () => {
    expect(warned(1000, (step) => ({ loss: step < 170 ? guessing : 0.9 * guessing }))).toEqual([]);
    expect(warned(1000, () => ({ loss: 0.97 * guessing }))).toEqual([]);
  });
  test("is none in a warm-up that is long", () => {
    expect(warned(300, () => ({ loss: guessing }), { warmup: 200 })).toEqual([]);
  });
});

describe("a logit scale at its limit", () => {
  test("is warned of after 200 steps in a row", () => {
    const found = warned(600, (step) => ({ logitScale: step < 100 ? 50 : 100 }));
    expect(found.map(({ step }) => step)).toEqual([299]);
    expect(found[0]!.warning).toContain("its limit of 100");
  });
  test("is none if it comes off it in between", () => {
    expect(warned(1000, (step) => ({ logitScale: step % 150 === 0 ? 99 : 100 }))).toEqual([]);
  });
  test("is none where the limit is low on purpose", () => {
    expect(warned(1000, () => ({ logitScale: 8 }), { maxLogitScale: 8 })).toEqual([]);
  });
});

describe("steps that wait for their data", () => {
  test("are warned of once, with their share", () => {
    const found = warned(300, () => ({ dataWaitMs: 50, stepMs: 150 }));
    expect(found).toHaveLength(1);
    expect(found[0]!.step).toBe(50);
    expect(found[0]!.warning).toContain("25 % of the time");
  });
  test("are none below a tenth, nor for the first batch's long wait alone", () => {
    expect(warned(300, () => ({ dataWaitMs: 10, stepMs: 100 }))).toEqual([]);
    expect(warned(300, (step) => ({ dataWaitMs: step === 1 ? 400 : 1 }))).toEqual([]);
  });
});

describe("captions", () => {
  const report = { sampled: 100, repeated: 0, truncated: 0 };
  test("that are all different and short are warned of nothing", () => {
    expect(captionWarnings(report)).toEqual([]);
    expect(captionWarnings({ ...report, repeated: 0.1, truncated: 0.05 })).toEqual([]);
    expect(captionWarnings({ sampled: 0, repeated: 0, truncated: 0 })).toEqual([]);
  });
  test("that occur again, and that are cut off, are warned of with their share", () => {
    const [repeated, truncated, ...more] = captionWarnings({ ...report, repeated: 0.4, truncated: 0.06 });
    expect(repeated).toMatch(/^40 % of the captions occur more than once.*keepCaptionsApart/);
    expect(truncated).toMatch(/^6 % of the captions are longer than the context/);
    expect(more).toEqual([]);
    expect(captionWarnings({ ...report, truncated: 0.2 })).toHaveLength(1);
  });
});

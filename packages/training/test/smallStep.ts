import { initialParameters, type ModelConfig, parseModelConfig, RandomNumbers } from "@pairloom/clip";
import type { Engine } from "@pairloom/engine";
import {
  resolveTrainSettings,
  type TrainSettings,
  type TrainSettingsInput,
} from "../src/settings/trainSettings.js";
import { StepVariables } from "../src/step/stepVariables.js";
import type { StepBatch } from "../src/step/partInputs.js";
import { accumulates, openTrainingStep, type TrainingStep } from "../src/step/trainingStep.js";

/** A training step over a small model and one random batch. */
export interface SmallStep {
  config: ModelConfig;
  settings: TrainSettings;
  variables: StepVariables;
  step: TrainingStep;
  batch: StepBatch;
  /** Every variable's numbers, by its name. */
  values: () => Map<string, Float32Array>;
  dispose: () => void;
}

/**
 * Opens a step on random pairs; equal arguments give equal weights and pairs, however the batch is cut.
 *
 * @param model in open_clip's schema; its vocabulary is cut to 100 words
 */
export function openSmallStep(
  engine: Engine,
  model: { text_cfg: object },
  more: TrainSettingsInput = {},
): SmallStep {
  const config = parseModelConfig({ ...model, text_cfg: { ...model.text_cfg, vocab_size: 100 } });
  const settings = resolveTrainSettings({
    ...{ data: "none", out: "none", steps: 100, batchSize: 8, lr: 0.005, textRate: 1 },
    ...{ beta1: 0.9, beta2: 0.98, eps: 1e-6, weightDecay: 0.1, gradClip: 1, maxLogitScale: 100 },
    ...more,
  });
  const options = { accumulates: accumulates(settings) };
  const variables = new StepVariables(config, initialParameters(config, 1), settings, options);
  const step = openTrainingStep(engine, variables, settings);
  return {
    config,
    settings,
    variables,
    step,
    batch: randomBatch(config, settings.batchSize),
    values: () =>
      new Map([...variables.all()].map(([name, one]) => [name, Float32Array.from(one.dataSync())])),
    dispose: () => {
      step.dispose();
      variables.dispose();
    },
  };
}

/** Pairs of noise and of words by lot. */
export function randomBatch(config: ModelConfig, size: number, seed = 5): StepBatch {
  const random = new RandomNumbers(seed, "pairs");
  const side = config.vision_cfg.image_size as number;
  const { context_length: context, vocab_size: vocabulary } = config.text_cfg;
  const end = Math.floor(context / 2);
  return {
    images: Float32Array.from({ length: size * side * side * 3 }, () => random.normal()),
    tokens: Int32Array.from({ length: size * context }, (_, i) => {
      const at = i % context;
      if (at === 0) return vocabulary - 2;
      return at === end ? vocabulary - 1 : at > end ? 0 : random.integer(1, vocabulary - 2);
    }),
  };
}

/** The gradients of a first step without clipping, from the first moments that it left: m = (1 − β₁) g. */
export function gradientsOf({ variables, settings }: SmallStep): Map<string, Float32Array> {
  const gradients = new Map<string, Float32Array>();
  for (const [key, { first }] of variables.trained)
    gradients.set(
      key,
      first.dataSync<"float32">().map((m) => m / (1 - settings.beta1)),
    );
  return gradients;
}

/** The largest difference of any number, over the largest number of its tensor (of a thousandth of all, if that is more). */
export function worstGap(
  ours: ReadonlyMap<string, ArrayLike<number>>,
  expected: ReadonlyMap<string, ArrayLike<number>>,
): number {
  const most = (of: ArrayLike<number>) =>
    Array.from(of).reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const floor = 1e-3 * Math.max(...[...expected.values()].map(most));
  let worst = 0;
  for (const [key, wanted] of expected) {
    const got = ours.get(key)!;
    const gap = most(Array.from(wanted, (value, i) => value - got[i]!));
    // NaN is no small gap
    worst = Number.isNaN(gap) ? Infinity : Math.max(worst, gap / Math.max(most(wanted), floor));
  }
  return worst;
}

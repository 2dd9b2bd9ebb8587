import { UserError } from "@pairloom/config/errors";
import { z } from "zod";
import { familyValues, recipeNames, recipes } from "./recipes.js";

const count = z.int().min(1);

/** Everything that shapes a training run. Same settings, same data, same engine and threads: same bits. */
export const trainSettings = z.strictObject({
  /** The release: a folder of webdataset shards. */
  data: z.string().min(1),
  /** Train on `data` even where it is a release of what hold-out rules keep for evaluations. */
  allowHeldOut: z.boolean().default(false),
  /**
   * A model's name ("tiny", "ViT-B-32") or the path of a JSON config in open_clip's schema. Where none is given, it is the model of
   * `initialCheckpoint`, by that path.
   */
  model: z.string().min(1).default("tiny"),
  /** The run folder. */
  out: z.string().min(1),
  recipe: z.enum(recipeNames).default("laptop"),
  seed: z.int().min(0).default(0),
  /** Start from these weights, of any program that is read: a file, or a model's folder; null draws new ones. */
  initialCheckpoint: z.string().min(1).nullable().default(null),
  /** Go on where the run in `out` stopped; starts it where there is none. */
  resume: z.boolean().default(false),

  batchSize: count.min(2),
  /** Parts that a batch is gone through in, where it doesn't fit in memory at once; the loss is the whole batch's. */
  accumulate: count.default(1),
  /** The loss: CLIP's or SigLIP's; null takes SigLIP's for models with a `logit_bias`, else CLIP's. */
  loss: z.enum(["clip", "siglip"]).nullable().default(null),
  /** A tower that stays as it is: `image` is LiT. */
  lock: z.enum(["none", "image", "text"]).default("none"),
  /** Share of a vision transformer's patches that each picture does without in a step. */
  patchDropout: z.number().min(0).lt(1).default(0),
  /** Transformer blocks keep only their inputs for the gradient and are computed again: a third more work, less memory. */
  recompute: z.boolean().default(false),
  /** How long: by steps, or by passes over the data. Where both are given, steps hold. */
  steps: count.nullable().default(null),
  epochs: z.number().positive().nullable().default(null),

  lr: z.number().positive(),
  /** The text tower's rate is `lr` times this: below 1 it learns names by heart more slowly than pictures are told apart. */
  textRate: z.number().positive().default(1),
  /** Each layer's rate is this times that of the layer above it; 1 for equal rates. */
  layerDecay: z.number().positive().max(1).default(1),
  /** Keeps an exponential moving average of the parameters, with this decay a step; null keeps none. */
  emaDecay: z.number().gt(0).lt(1).nullable().default(null),
  beta1: z.number().min(0).lt(1),
  beta2: z.number().min(0).lt(1),
  eps: z.number().positive(),
  weightDecay: z.number().min(0),
  /** Steps in which the rate rises from 0 to `lr`. */
  warmup: z.int().min(0),
  schedule: z.enum(["cosine", "constant"]).default("cosine"),
  /** Largest global norm of the gradient; null leaves it as it is. */
  gradClip: z.number().positive().nullable(),
  /** exp(logit_scale) stays at or below this. */
  maxLogitScale: z.number().positive().default(100),

  /** The text of a sample: its caption, or any of its texts by lot, anew in each epoch. */
  captions: z.enum(["first", "any"]),
  /** Keeps samples of equal captions out of one batch as far as the data allow: each would be the other's false negative. */
  keepCaptionsApart: z.boolean().default(false),
  /**
   * `square`: a random square of the picture, the paper's augmentation; `resized`: a part of random area (`cropMinArea` to
   * all of it) and shape (3:4 to 4:3), resized to a square: open_clip's.
   */
  crop: z.enum(["square", "resized"]).default("square"),
  cropMinArea: z.number().positive().max(1).default(0.9),
  /**
   * Of `square`: a picture's shorter side is resized to the model's size plus this many pixels; a random square of the model's size is
   * cut out of it. With 0 this is the paper's random square crop.
   */
  cropMargin: z.int().min(0).max(256),
  /** Pixels are scaled and shifted by up to this share of the full range. */
  brightness: z.number().min(0).max(1).default(0),

  /** Decoded pictures are kept in memory if they fit this budget, else decoded anew in each epoch. */
  cacheMegabytes: z.number().min(0).default(1024),
  /** Samples in the shuffle window where the data are not kept in memory. */
  shuffleWindow: count.default(10_000),
  /** Batches made ready ahead of the step. */
  prefetch: z.int().min(0).max(64).default(2),
  /**
   * Threads that decode, crop and tokenise (one more reads shards); 0 leaves it to the training's own thread, null takes
   * half of the cores. The batches are the same.
   */
  dataWorkers: z.int().min(0).max(64).nullable().default(null),

  checkpointEvery: count,
  /** A checkpoint too whenever this many minutes have passed since the last; null for none by the clock. */
  checkpointMinutes: z.number().positive().nullable().default(15),
  /** Checkpoints that stay; the older are removed. */
  keepLast: count.default(3),
  /** The checkpoint with the best value of this metric of the evaluations stays as well; null keeps none for its value. */
  keepBest: z.string().min(1).nullable().default(null),
  /** Steps between calls of the evaluation, if there is one; null evaluates at the end alone. */
  evaluateEvery: count.nullable().default(null),
  /** Pairs that are held out, to evaluate on: a folder of shards; null takes pairs of the training data. */
  evaluateData: z.string().min(1).nullable().default(null),
  /** A file of class names, one a line: evaluations classify zero-shot among them. */
  zeroShotClasses: z.string().min(1).nullable().default(null),
  /** Event files for TensorBoard beside the metrics. */
  tensorboard: z.boolean().default(true),
  engine: z.enum(["auto", "tensorflow", "wasm", "webgpu"]).default("auto"),
  threads: count.nullable().default(null),
  /** bf16: products and convolutions in bfloat16 (tensorflow engine). */
  precision: z.enum(["float32", "bf16"]).default("float32"),
  /** Lets TensorFlow's XLA compile the step (tensorflow engine). */
  xla: z.boolean().default(false),
  /** Seconds that the check before the training may take (it learns a few pairs by heart); 0 skips it. */
  preflightSeconds: z.number().min(0).default(60),
});

export type TrainSettings = z.infer<typeof trainSettings>;
export type TrainSettingsInput = Partial<z.input<typeof trainSettings>>;

/** Settings that don't change what a run computes: they may differ when it is resumed. */
export const freeSettings: ReadonlySet<keyof TrainSettings> = new Set([
  "data",
  "allowHeldOut",
  "model",
  "out",
  "resume",
  "prefetch",
  "dataWorkers",
  "cacheMegabytes",
  "checkpointEvery",
  "checkpointMinutes",
  "keepLast",
  "keepBest",
  "preflightSeconds",
  "evaluateEvery",
  "evaluateData",
  "zeroShotClasses",
  "tensorboard",
  "engine",
  "threads",
]);

/**
 * Fills in the recipe's values and the defaults, and checks everything.
 *
 * @param family of the model's image tower, where it is known: the `openai` recipe's β₂ and ε follow it
 * @throws UserError "train_settings_invalid" naming the field and what it got
 */
export function resolveTrainSettings(
  input: TrainSettingsInput,
  family: "resnet" | "vit" = "vit",
): TrainSettings {
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const recipe = recipeNames.find((name) => name === (input.recipe ?? "laptop"));
  const preset = recipe === undefined ? {} : recipes[recipe];
  const length = given["steps"] === undefined && given["epochs"] === undefined ? {} : { epochs: null };
  const own = typeof given["initialCheckpoint"] === "string" ? { model: given["initialCheckpoint"] } : {};
  const parsed = trainSettings.safeParse({ ...familyValues(family), ...preset, ...length, ...own, ...given });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : (issue?.path.join(".") ?? "");
    const value = given[field];
    const got = value === undefined ? "" : `, got ${JSON.stringify(value).slice(0, 200)}`;
    throw invalid(field, `${issue?.message ?? "invalid"}${got}`);
  }
  const settings = parsed.data;
  if (settings.steps === null && settings.epochs === null) throw invalid("steps", "give `steps` or `epochs`");
  const { batchSize, accumulate } = settings;
  if (batchSize % accumulate !== 0 || batchSize / accumulate < 2)
    throw invalid(
      "accumulate",
      `must cut batchSize ${batchSize} into equal parts of two pairs or more, got ${accumulate}`,
    );
  return settings;
}

function invalid(field: string, problem: string): UserError {
  return new UserError("train_settings_invalid", `Training setting \`${field}\`: ${problem}`, {
    hint: "`pairloom train --help` lists the settings.",
  });
}

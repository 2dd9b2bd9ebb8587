import type { TrainSettingsInput } from "./trainSettings.js";

export const recipeNames = ["laptop", "openai", "finetune"] as const;
export type RecipeName = (typeof recipeNames)[number];

/** Everything of a training's settings that a recipe may fix. */
export type RecipeValues = Omit<TrainSettingsInput, "data" | "model" | "out" | "recipe" | "seed" | "resume">;

/**
 * Values that a recipe puts in the place of defaults; a value given by the user goes before.
 *
 * - `laptop`: a small two-tower on some thousand pictures, minutes on two cores.
 * - `openai`: the CLIP paper's Table 18 and 19 (β and ε by family: see `familyValues`), for large batches.
 * - `finetune`: a pretrained model on pictures of one's own: a low rate, little decay.
 */
export const recipes: Record<RecipeName, RecipeValues> = {
  laptop: {
    batchSize: 64,
    epochs: 28,
    lr: 2e-3,
    // a slow text tower, much decay and a low scale keep few classes from being learned as pairs of words (docs/demo.md)
    textRate: 0.2,
    beta1: 0.9,
    beta2: 0.98,
    eps: 1e-6,
    weightDecay: 1,
    maxLogitScale: 8,
    warmup: 50,
    gradClip: 1,
    captions: "any",
    cropMargin: 4,
    checkpointEvery: 100,
  },
  openai: {
    batchSize: 32_768,
    epochs: 32,
    lr: 5e-4,
    beta1: 0.9,
    weightDecay: 0.2,
    warmup: 2000,
    gradClip: null,
    captions: "first",
    cropMargin: 0,
    checkpointEvery: 1000,
  },
  finetune: {
    batchSize: 64,
    epochs: 5,
    lr: 1e-5,
    beta1: 0.9,
    beta2: 0.98,
    eps: 1e-6,
    weightDecay: 0.05,
    warmup: 100,
    gradClip: 1,
    captions: "any",
    cropMargin: 0,
    checkpointEvery: 200,
  },
};

/** β₂ and ε of the CLIP paper's Table 18: one pair for ResNets, one for vision transformers. */
export function familyValues(family: "resnet" | "vit"): { beta2: number; eps: number } {
  return family === "resnet" ? { beta2: 0.999, eps: 1e-8 } : { beta2: 0.98, eps: 1e-6 };
}

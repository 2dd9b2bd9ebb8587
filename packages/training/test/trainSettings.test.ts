import { UserError } from "@pairloom/config";
import { expect, test } from "vitest";
import { resolveTrainSettings } from "../src/settings/trainSettings.js";
import { recipeNames } from "../src/settings/recipes.js";

const base = { data: "release", out: "run" };
const problem = (input: object): UserError => {
  try {
    resolveTrainSettings(input);
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};

test("every recipe gives complete settings", () => {
  for (const recipe of recipeNames) expect(resolveTrainSettings({ ...base, recipe }).recipe).toBe(recipe);
});

test("what the user gives goes before the recipe", () => {
  const settings = resolveTrainSettings({ ...base, lr: 0.5, batchSize: 3, steps: 7 });
  expect(settings).toMatchObject({ lr: 0.5, batchSize: 3, steps: 7 });
});

test("the openai recipe takes β₂ and ε by the model's family", () => {
  const recipe = { ...base, recipe: "openai" } as const;
  expect(resolveTrainSettings(recipe, "resnet")).toMatchObject({ beta2: 0.999, eps: 1e-8 });
  expect(resolveTrainSettings(recipe, "vit")).toMatchObject({ beta2: 0.98, eps: 1e-6 });
});

test("a wrong value is refused by the field's name, with what it got", () => {
  const error = problem({ ...base, lr: -1 });
  expect(error.code).toBe("train_settings_invalid");
  expect(error.message).toContain("`lr`");
  expect(error.message).toContain("-1");
});

test("a field that doesn't exist is refused by its name", () => {
  expect(problem({ ...base, learningRate: 1 }).message).toContain("`learningRate`");
});

test.each([
  [10, 3],
  [10, 10],
  [8, 16],
])("a batch of %i can't be gone through in %i parts: refused with both numbers", (batchSize, accumulate) => {
  const error = problem({ ...base, batchSize, accumulate });
  expect(error.code).toBe("train_settings_invalid");
  expect(error.message).toContain("`accumulate`");
  expect(error.message).toContain(`batchSize ${batchSize}`);
  expect(error.message).toContain(`got ${accumulate}`);
});

test.each([
  ["patchDropout", 1],
  ["patchDropout", -0.1],
  ["emaDecay", 1],
  ["layerDecay", 0],
  ["layerDecay", 1.1],
  ["accumulate", 0],
  ["checkpointMinutes", 0],
  ["keepLast", 0],
  ["preflightSeconds", -1],
  ["lock", "both"],
  ["loss", "sigmoid"],
  ["precision", "fp16"],
])("%s %j is refused by its name", (field, value) => {
  expect(problem({ ...base, [field]: value }).message).toContain(`\`${field}\``);
});

test("a batch of one is refused: a contrast needs two", () => {
  expect(problem({ ...base, batchSize: 1 }).message).toContain("`batchSize`");
});

import { modelCost, type ModelConfig, type StateDict } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import type { Engine } from "@pairloom/engine";
import type { TrainingData } from "../data/trainingData.js";
import type { TrainSettings } from "../settings/trainSettings.js";
import { guessingLoss } from "../step/lossLimit.js";
import { stepSettings } from "../step/stepSettings.js";
import { StepVariables } from "../step/stepVariables.js";
import { openTrainingStep } from "../step/trainingStep.js";

/** Pairs that are learned by heart; and fewer where a step would take too long. */
const mostPairs = 8;
const fewestPairs = 4;
/** A rate at which few pairs are soon known, and steps after which a sound model knows them. */
const rate = 1e-3;
const enoughSteps = 200;

/**
 * Before hours are spent: learns a few of the data's pairs by heart, with a copy of the model and optimizer that is thrown
 * away. What can't do that (pictures that all look alike to the towers, captions that are all the same, a rate of zero
 * where it matters) can't learn anything.
 *
 * @returns a line for people: what was seen, or why it was skipped
 * @throws UserError "preflight_failed" where the loss does not come down
 */
export async function preflight(
  engine: Engine,
  config: ModelConfig,
  state: StateDict,
  settings: TrainSettings,
  data: TrainingData,
): Promise<string> {
  const { preflightSeconds } = settings;
  if (preflightSeconds === 0) return "preflight: skipped (0 seconds were given)";
  if (settings.lock !== "none") return "preflight: skipped, since a tower is locked";
  const pairs = Math.min(mostPairs, settings.batchSize, stepFits(config) ? mostPairs : fewestPairs);
  const batch = await firstPairs(data, pairs);
  if (batch === null)
    return `preflight: skipped, the data have no ${pairs} pairs of different captions side by side`;
  const own: TrainSettings = {
    ...settings,
    batchSize: pairs,
    accumulate: 1,
    patchDropout: 0,
    emaDecay: null,
    gradClip: 1,
    weightDecay: 0,
    maxLogitScale: 100,
    textRate: 1,
    layerDecay: 1,
  };
  const began = performance.now();
  const variables = new StepVariables(config, state, own, { accumulates: false });
  try {
    const step = openTrainingStep(engine, variables, own);
    try {
      const chance = guessingLoss(stepSettings(own, variables).loss, pairs);
      const seconds = () => (performance.now() - began) / 1000;
      let first = NaN;
      let last = NaN;
      let steps = 0;
      while (steps < enoughSteps && seconds() < preflightSeconds) {
        const { loss, refused } = await step.run(batch, ++steps, rate);
        if (refused !== null) throw failed(`${refused} at its step ${steps}`);
        if (steps === 1) first = loss;
        last = loss;
        if (steps > 1 && loss < 0.25 * Math.min(chance, first)) {
          return `preflight: ${pairs} pairs learned by heart in ${steps} steps, ${seconds().toFixed(1)} s (loss ${first.toFixed(2)} → ${loss.toFixed(2)})`;
        }
      }
      if (steps === 0)
        return "preflight: out of time before its first step; more --preflight-seconds would tell more";
      if (steps < enoughSteps)
        return `preflight: out of time after ${steps} steps (loss ${first.toFixed(2)} → ${last.toFixed(2)}); more --preflight-seconds would tell more`;
      if (last > 0.75 * Math.min(chance, first))
        throw failed(
          `the loss went from ${first.toFixed(2)} to ${last.toFixed(2)} only, in ${steps} steps on ${pairs} pairs`,
        );
      return `preflight: the loss on ${pairs} pairs came down from ${first.toFixed(2)} to ${last.toFixed(2)} in ${steps} steps`;
    } finally {
      step.dispose();
    }
  } finally {
    variables.dispose();
  }
}

/** A model of which a step of eight pairs takes about a second or less on two cores. */
function stepFits(config: ModelConfig): boolean {
  return 3 * mostPairs * modelCost(config).forwardFlops < 3e11;
}

/** Pairs from the data's first batches, of captions that all differ; null where these hold too few. */
async function firstPairs(
  data: TrainingData,
  pairs: number,
): Promise<{ images: Float32Array; tokens: Int32Array } | null> {
  const batches = data.batches(0, null);
  try {
    const { value: batch } = await batches.next();
    if (!batch) return null;
    const rows: number[] = [];
    const seen = new Set<string>();
    batch.texts.forEach((text, row) => {
      const folded = text.toLowerCase();
      if (rows.length < pairs && !seen.has(folded)) rows.push(row);
      seen.add(folded);
    });
    if (rows.length < pairs) return null;
    const pixels = batch.images.length / batch.texts.length;
    const context = batch.tokens.length / batch.texts.length;
    const images = new Float32Array(pairs * pixels);
    const tokens = new Int32Array(pairs * context);
    rows.forEach((row, i) => {
      images.set(batch.images.subarray(row * pixels, (row + 1) * pixels), i * pixels);
      tokens.set(batch.tokens.subarray(row * context, (row + 1) * context), i * context);
    });
    return { images, tokens };
  } finally {
    await batches.return();
  }
}

function failed(what: string): UserError {
  return new UserError("preflight_failed", `The model can't learn a few pairs by heart: ${what}`, {
    hint: "Look at some pairs (`pairloom shards`), at the model's config and the initial checkpoint. `--preflight-seconds 0` goes on all the same.",
  });
}

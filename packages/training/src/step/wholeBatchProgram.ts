import * as tf from "@tensorflow/tfjs";
import { lossAndGradients } from "@pairloom/clip";
import type { ProgramSource, TrainingOps } from "@pairloom/engine";
import type { TrainSettings } from "../settings/trainSettings.js";
import type { PartSamples } from "./partSamples.js";
import type { StepVariables } from "./stepVariables.js";
import { updateParameters } from "./updateParameters.js";
import { passOptions } from "./passOptions.js";

/** A step whose batch is one part: everything in one program. Inputs: the part's, then the rates [3]; output: [4] facts. */
export function wholeBatchProgram(
  variables: StepVariables,
  ops: TrainingOps,
  settings: TrainSettings,
  { part, rates }: PartSamples,
): ProgramSource {
  return {
    samples: [...part, rates],
    run(inputs) {
      const [images, tokens] = inputs as [tf.Tensor4D, tf.Tensor2D];
      const rates = inputs.at(-1) as tf.Tensor1D;
      const { loss, gradients, batchStatistics, imageFeatures, textFeatures } = lossAndGradients(
        variables.parameters,
        variables.config,
        images,
        tokens,
        { ...passOptions(settings, inputs[2], part.length), ...lossOption(settings) },
      );
      const facts = updateParameters(variables, ops, settings, loss, gradients, batchStatistics, rates);
      tf.dispose([imageFeatures, textFeatures, ...batchStatistics.values()]);
      return [facts];
    },
  };
}

function lossOption({ loss }: TrainSettings): { loss?: "clip" | "siglip" } {
  return loss === null ? {} : { loss };
}

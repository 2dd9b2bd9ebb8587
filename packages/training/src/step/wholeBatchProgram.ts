import * as tf from "@tensorflow/tfjs";
import { lossAndGradients } from "@pairloom/clip";
import type { ProgramSource, TrainingOps } from "@pairloom/engine";
import { partSamples, readPart } from "./partInputs.js";
import type { StepSettings } from "./stepSettings.js";
import type { StepVariables } from "./stepVariables.js";
import { updateParameters } from "./updateParameters.js";

/** A step whose batch is one part: everything in one program. Inputs: the part's, then the rates [3]; output: [4] facts. */
export function wholeBatchProgram(
  variables: StepVariables,
  ops: TrainingOps,
  settings: StepSettings,
): ProgramSource {
  const { parameters, config } = variables;
  return {
    samples: [...partSamples(config, settings), tf.ones([3])],
    run(inputs) {
      const { pairs, options, rest } = readPart<[tf.Tensor1D]>(settings, inputs);
      const { loss, gradients, batchStatistics, imageFeatures, textFeatures } = lossAndGradients(
        parameters,
        config,
        pairs.images,
        pairs.tokens,
        { ...options, loss: settings.loss },
      );
      const facts = updateParameters(variables, ops, settings, loss, gradients, batchStatistics, ...rest);
      tf.dispose([imageFeatures, textFeatures, ...batchStatistics.values()]);
      return [facts];
    },
  };
}

import * as tf from "@tensorflow/tfjs";
import { encodePairs, gradientsFromSlopes, lossRows } from "@pairloom/clip";
import type { ProgramSource, TrainingOps } from "@pairloom/engine";
import type { TrainSettings } from "../settings/trainSettings.js";
import { towerOf } from "./parameterGroups.js";
import { partSamples, partSize, readPart } from "./partInputs.js";
import type { StepSettings } from "./stepSettings.js";
import type { StepVariables } from "./stepVariables.js";
import { updateParameters } from "./updateParameters.js";

/** Rows of the table of logits that are in memory at once. */
export function rowsAtOnce(settings: Pick<TrainSettings, "batchSize" | "accumulate">): number {
  let rows = partSize(settings);
  // equal parts of at most 1024 rows
  while (rows > 1024 && rows % 2 === 0) rows /= 2;
  return rows;
}

export type CachedProgramName = "encode" | "lossRows" | "accumulate" | "update";

/**
 * A step over more pairs than fit in memory at once, with the loss of the whole batch (GradCache, Gao et al. 2021):
 * `encode` gives each part's features; `lossRows` goes through the table of all logits and gives the loss and its slopes
 * by every feature; `accumulate` runs each part again and adds up the gradients; `update` does the rest. Batch
 * normalisation sees each part alone, and its running statistics move once for each part.
 */
export function cachedPrograms(
  variables: StepVariables,
  ops: TrainingOps,
  settings: StepSettings,
): Record<CachedProgramName, ProgramSource> {
  const { parameters, config } = variables;
  const { batchSize } = settings;
  const size = partSize(settings);
  const rows = rowsAtOnce(settings);
  const features = (count: number) => tf.zeros([count, config.embed_dim]);
  const bias = parameters.get("logit_bias") ?? null;
  return {
    encode: {
      samples: partSamples(config, settings),
      run(inputs) {
        const { pairs, options } = readPart(settings, inputs);
        const { imageFeatures, textFeatures } = encodePairs(parameters, config, pairs, options);
        return [imageFeatures, textFeatures];
      },
    },
    lossRows: {
      samples: [features(rows), features(batchSize), tf.zeros([rows], "int32")],
      run(inputs) {
        const [queries, keys, own] = inputs as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
        const found = lossRows(settings.loss, queries, keys, own, parameters.get("logit_scale")!, bias);
        const scalars = tf.stack([found.loss, found.dLogScale, found.dBias]);
        return [scalars, found.dQueries, found.dKeys];
      },
    },
    accumulate: {
      samples: [...partSamples(config, settings), features(size), features(size)],
      run(inputs) {
        const { pairs, options, rest } = readPart<[tf.Tensor2D, tf.Tensor2D]>(settings, inputs);
        const [image, text] = rest;
        // each part moves the running statistics from where the part before has moved them
        const here = new Map([...parameters, ...variables.moved]);
        const pass = gradientsFromSlopes(here, config, pairs, { image, text }, options);
        for (const [key, { sum }] of variables.trained)
          if (towerOf(key) !== null) sum!.assign(tf.add(sum!, pass.gradients.get(key)!));
        for (const [key, statistic] of pass.batchStatistics) variables.moved.get(key)!.assign(statistic);
        tf.dispose([pass.imageFeatures, pass.textFeatures, ...pass.batchStatistics.values()]);
        return [tf.scalar(0)];
      },
    },
    update: {
      samples: [tf.zeros([3]), tf.ones([3])],
      run(inputs) {
        const [scalars, rates] = inputs as [tf.Tensor1D, tf.Tensor1D];
        const [loss, dLogScale, dBias] = tf.unstack(scalars) as [tf.Scalar, tf.Scalar, tf.Scalar];
        const gradients = new Map<string, tf.Tensor>();
        for (const [key, { sum }] of variables.trained) {
          const own = key === "logit_scale" ? dLogScale : key === "logit_bias" ? dBias : sum!;
          gradients.set(key, own);
        }
        const facts = updateParameters(variables, ops, settings, loss, gradients, variables.moved, rates);
        for (const { sum } of variables.trained.values()) sum!.assign(tf.zerosLike(sum!));
        // a batch that is refused has left no trace in them
        for (const [key, moved] of variables.moved) moved.assign(parameters.get(key)!);
        return [facts];
      },
    },
  };
}

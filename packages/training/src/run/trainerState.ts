import * as tf from "@tensorflow/tfjs";
import {
  engineShape,
  type HostTensor,
  type ModelConfig,
  readParameters,
  stateShapes,
  toEngineLayout,
  toHostTensor,
} from "@pairloom/clip";
import type { AdamW } from "../optimizer/adamW.js";
import type { Checkpoint } from "./checkpoint.js";

/** Parameters and moments from the engine's memory. */
export async function readTrainerState(
  config: ModelConfig,
  parameters: ReadonlyMap<string, tf.Variable>,
  optimizer: AdamW,
): Promise<Pick<Checkpoint, "model" | "optimizer">> {
  const shapes = stateShapes(config);
  const moments = new Map<string, HostTensor>();
  for (const [key, { first, second }] of optimizer.moments) {
    const entry = shapes.get(key)!;
    moments.set(`exp_avg.${key}`, toHostTensor(entry, (await first.data()) as Float32Array));
    moments.set(`exp_avg_sq.${key}`, toHostTensor(entry, (await second.data()) as Float32Array));
  }
  return { model: await readParameters(config, parameters), optimizer: moments };
}

/** Puts moments of a checkpoint into an optimizer. @throws where one is missing or of another shape */
export function restoreMoments(
  config: ModelConfig,
  optimizer: AdamW,
  saved: ReadonlyMap<string, HostTensor>,
): void {
  const shapes = stateShapes(config);
  for (const [key, { first, second }] of optimizer.moments) {
    const entry = shapes.get(key)!;
    for (const [name, variable] of [
      [`exp_avg.${key}`, first],
      [`exp_avg_sq.${key}`, second],
    ] as const) {
      const tensor = saved.get(name);
      if (tensor === undefined || tensor.shape.join() !== entry.shape.join()) {
        throw new Error(`The optimizer's state has no ${name} of shape [${entry.shape.join(", ")}]`);
      }
      const values = toEngineLayout(tensor.data as Float32Array, entry.shape, entry.layout);
      const value = tf.tensor(values, engineShape(entry));
      variable.assign(value);
      value.dispose();
    }
  }
}

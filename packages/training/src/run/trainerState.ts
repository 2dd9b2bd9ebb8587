import * as tf from "@tensorflow/tfjs";
import {
  engineShape,
  type HostTensor,
  readParameters,
  type StateEntry,
  stateShapes,
  toEngineLayout,
  toHostTensor,
} from "@pairloom/clip";
import type { StepVariables, TrainedParameter } from "../step/stepVariables.js";
import type { Checkpoint } from "./checkpoint.js";

/**
 * The model and all that its training carries, from the engine's memory. Where a moving average is kept, it is the model;
 * the parameters themselves go with the moments.
 */
export async function readTrainerState(
  variables: StepVariables,
): Promise<Pick<Checkpoint, "model" | "optimizer">> {
  const { config, parameters } = variables;
  const shapes = stateShapes(config);
  const model = await readParameters(config, parameters);
  const optimizer = new Map<string, HostTensor>();
  for (const [key, one] of variables.trained) {
    const entry = shapes.get(key)!;
    for (const [name, variable] of carried(key, one)) optimizer.set(name, await read(entry, variable));
    if (one.average === null) continue;
    optimizer.set(`parameter.${key}`, model.get(key)!);
    model.set(key, await read(entry, one.average));
  }
  return { model, optimizer };
}

/** Puts a checkpoint's state into variables that hold its model. @throws where a tensor is missing or of another shape */
export function restoreTrainerState(variables: StepVariables, saved: ReadonlyMap<string, HostTensor>): void {
  const shapes = stateShapes(variables.config);
  const restore = (name: string, entry: StateEntry, variable: tf.Variable): void => {
    const tensor = saved.get(name);
    if (tensor === undefined || tensor.shape.join() !== entry.shape.join())
      throw new Error(`The optimizer's state has no ${name} of shape [${entry.shape.join(", ")}]`);
    const values = toEngineLayout(tensor.data as Float32Array, entry.shape, entry.layout);
    const value = tf.tensor(values, engineShape(entry));
    variable.assign(value);
    value.dispose();
  };
  for (const [key, one] of variables.trained) {
    const entry = shapes.get(key)!;
    for (const [name, variable] of carried(key, one)) restore(name, entry, variable);
    // the average was laid out as the model: it stays where it is, and the parameter comes back
    if (one.average !== null) restore(`parameter.${key}`, entry, one.parameter);
  }
}

function carried(key: string, { first, second }: TrainedParameter): [name: string, variable: tf.Variable][] {
  return [
    [`exp_avg.${key}`, first],
    [`exp_avg_sq.${key}`, second],
  ];
}

async function read(entry: StateEntry, variable: tf.Variable): Promise<HostTensor> {
  return toHostTensor(entry, (await variable.data()) as Float32Array);
}

import * as tf from "@tensorflow/tfjs";
import { engineShape, toEngineLayout, toPyTorchLayout } from "../layout.js";
import type { ModelConfig } from "../modelConfig.js";
import type { Parameters } from "../parameters.js";
import { stateShapes, type StateEntry } from "../stateShapes.js";
import type { HostTensor } from "./tensorDtype.js";

/** A model's state in the host's memory: keys and layouts as open_clip's state dict. */
export type StateDict = Map<string, HostTensor>;

/**
 * Variables of the current engine for a state dict. Parameters are trainable, running statistics are not; counters are
 * int32. The caller owns them (`disposeParameters`).
 */
export function createParameters(config: ModelConfig, state: StateDict): Map<string, tf.Variable> {
  const parameters = new Map<string, tf.Variable>();
  for (const [key, entry] of stateShapes(config)) {
    const tensor = state.get(key);
    if (tensor === undefined)
      throw new Error(`The state dict lacks \`${key}\`: check it with checkStateDict first`);
    const initial =
      entry.dtype === "int64"
        ? tf.tensor(Int32Array.from(tensor.data as BigInt64Array, Number), [...entry.shape], "int32")
        : tf.tensor(
            toEngineLayout(tensor.data as Float32Array, entry.shape, entry.layout),
            engineShape(entry),
            "float32",
          );
    parameters.set(key, tf.variable(initial, entry.kind === "parameter" && entry.fixed !== true));
    initial.dispose();
  }
  return parameters;
}

/** Frees what `createParameters` made. */
export function disposeParameters(parameters: ReadonlyMap<string, tf.Variable>): void {
  for (const variable of parameters.values()) variable.dispose();
}

/** A model's state from the engine, in open_clip's keys, order and layouts. */
export async function readParameters(config: ModelConfig, parameters: Parameters): Promise<StateDict> {
  const state: StateDict = new Map();
  for (const [key, entry] of stateShapes(config)) {
    const values = await parameters.get(key)!.data();
    state.set(key, toHostTensor(entry, values as Float32Array | Int32Array));
  }
  return state;
}

/** One tensor's values, as the engine holds them, to the state dict's form. Gradients and moments have the same form. */
export function toHostTensor(entry: StateEntry, values: Float32Array | Int32Array): HostTensor {
  if (entry.dtype === "int64") {
    return { dtype: "I64", shape: entry.shape, data: BigInt64Array.from(values, (value) => BigInt(value)) };
  }
  return {
    dtype: "F32",
    shape: entry.shape,
    data: toPyTorchLayout(values as Float32Array, entry.shape, entry.layout),
  };
}

import * as tf from "@tensorflow/tfjs";
import {
  createParameters,
  disposeParameters,
  type ModelConfig,
  type StateDict,
  stateShapes,
} from "@pairloom/clip";
import type { TrainSettings } from "../settings/trainSettings.js";
import type { Logits } from "./lossLimit.js";
import { type ParameterGroup, parameterGroups } from "./parameterGroups.js";

/** One trained parameter with everything that belongs to it. */
export interface TrainedParameter extends ParameterGroup {
  parameter: tf.Variable;
  /** Adam's moments. */
  first: tf.Variable;
  second: tf.Variable;
  /** Exponential moving average; null where none is kept. */
  average: tf.Variable | null;
  /** The gradient of the parts of a batch so far; null where a batch is one part. */
  sum: tf.Variable | null;
}

/** The variables of a training: the model's state, and what each trained parameter carries. Owns them all. */
export class StepVariables {
  /** The model's state by key. */
  readonly parameters: Map<string, tf.Variable>;
  readonly trained = new Map<string, TrainedParameter>();
  /** Running statistics by key, as the parts of a batch have moved them so far; none where a batch is one part. */
  readonly moved = new Map<string, tf.Variable>();
  /** What the model's logits were before the first step with these variables. */
  readonly logitsAtStart: Logits;

  constructor(
    readonly config: ModelConfig,
    state: StateDict,
    settings: TrainSettings,
    options: { accumulates: boolean },
  ) {
    this.parameters = createParameters(config, state);
    const bias = state.get("logit_bias");
    this.logitsAtStart = {
      scale: Math.exp(Number(state.get("logit_scale")!.data[0])),
      bias: bias === undefined ? null : Number(bias.data[0]),
    };
    for (const [key, group] of parameterGroups(config, settings)) {
      const parameter = this.parameters.get(key)!;
      parameter.trainable = group.trained;
      if (!group.trained) continue;
      this.trained.set(key, {
        ...group,
        parameter,
        first: zerosLike(parameter),
        second: zerosLike(parameter),
        average: settings.emaDecay === null ? null : copyOf(parameter),
        sum: options.accumulates ? zerosLike(parameter) : null,
      });
    }
    if (!options.accumulates || settings.lock === "image") return;
    for (const [key, { kind }] of stateShapes(config))
      if (kind === "buffer") this.moved.set(key, copyOf(this.parameters.get(key)!));
  }

  /** Every variable by a name of its own. */
  all(): Map<string, tf.Variable> {
    const all = new Map(this.parameters);
    for (const [key, one] of this.trained) {
      all.set(`first.${key}`, one.first);
      all.set(`second.${key}`, one.second);
      if (one.average !== null) all.set(`average.${key}`, one.average);
      if (one.sum !== null) all.set(`sum.${key}`, one.sum);
    }
    for (const [key, one] of this.moved) all.set(`moved.${key}`, one);
    return all;
  }

  dispose(): void {
    disposeParameters(this.parameters);
    for (const { first, second, average, sum } of this.trained.values())
      for (const variable of [first, second, average, sum]) variable?.dispose();
    tf.dispose([...this.moved.values()]);
    this.trained.clear();
    this.moved.clear();
  }
}

function zerosLike(parameter: tf.Variable): tf.Variable {
  return tf.tidy(() => tf.variable(tf.zeros(parameter.shape), false));
}

function copyOf(parameter: tf.Variable): tf.Variable {
  return tf.tidy(() => tf.variable(tf.clone(parameter), false));
}

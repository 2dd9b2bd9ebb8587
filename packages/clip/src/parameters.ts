import type * as tf from "@tensorflow/tfjs";

/**
 * A model's state: state-dict key → tensor, in the layout that TF.js multiplies without turning
 * (convolutions [high, wide, in, out], linear layers [in, out]; `stateShapes` says which is which).
 */
export type Parameters = ReadonlyMap<string, tf.Tensor>;

/** One tower's or block's part of a model's state. */
export class ParameterScope {
  constructor(
    private readonly parameters: Parameters,
    private readonly prefix: string,
  ) {}

  in(name: string): ParameterScope {
    return new ParameterScope(this.parameters, `${this.prefix}${name}.`);
  }

  /** The key in the state dict of a name in this scope. */
  key(name: string): string {
    return this.prefix + name;
  }

  /** Every tensor of this scope. */
  all(): tf.Tensor[] {
    return [...this.parameters].flatMap(([key, tensor]) => (key.startsWith(this.prefix) ? [tensor] : []));
  }

  has(name: string): boolean {
    return this.parameters.has(this.prefix + name);
  }

  get(name: string): tf.Tensor {
    const tensor = this.parameters.get(this.prefix + name);
    if (tensor === undefined) throw new Error(`The model's state has no tensor \`${this.prefix}${name}\``);
    return tensor;
  }
}

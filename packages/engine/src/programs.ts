import type { Tensor, Variable } from "@tensorflow/tfjs";

/** How products and convolutions are computed: in float32, or in bfloat16 with sums in float32. */
export type Precision = "float32" | "bf16";

/**
 * A function of tensors that runs again and again on inputs of the same shapes. It reads and assigns the variables it was
 * opened with, and is pure otherwise: an engine that compiles runs it once to learn it. So it may not read numbers back,
 * draw random ones, or depend on anything but its inputs and variables; what changes from call to call is an input.
 */
export interface ProgramSource {
  run: (inputs: readonly Tensor[]) => Tensor[];
  /** Inputs of the shapes and types that each call will have. Stay the caller's. */
  samples: readonly Tensor[];
}

export interface ProgramOptions {
  /** What the programs read and assign, by name. They stay the caller's. */
  variables: ReadonlyMap<string, Variable>;
  precision?: Precision;
  /** Lets TensorFlow's XLA compile what it can. */
  xla?: boolean;
}

/** Programs over common variables. */
export interface Programs<Name extends string> {
  /** The outputs are the caller's. */
  run(name: Name, inputs: readonly Tensor[]): Tensor[];
  /**
   * Runs work that reads the variables: a compiled program keeps their values elsewhere, and brings them into the
   * TensorFlow.js variables for this long.
   */
  withVariables<T>(work: () => Promise<T>): Promise<T>;
  dispose(): void;
}

export type OpenPrograms = <Name extends string>(
  sources: Readonly<Record<Name, ProgramSource>>,
  options: ProgramOptions,
) => Programs<Name>;

import type { Scalar, Tensor, Tensor1D, Variable } from "@tensorflow/tfjs";

/** AdamW, PyTorch's way (decay decoupled, ε outside the bias correction): what stays the same from step to step. */
export interface AdamwSettings {
  /** Multiplies the step's learning rate. */
  rateScale: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Multiplied by the learning rate; 0 for gains, biases and the logit scale. */
  weightDecay: number;
}

/** What a training loop needs besides TensorFlow.js, each engine in its fastest way. May be used within programs. */
export interface TrainingOps {
  /**
   * p ← p·(1 − lr·decay) − lr/(1−β₁ᵗ) · m/(√v/√(1−β₂ᵗ) + ε), with m ← β₁m + (1−β₁)g and v ← β₂v + (1−β₂)g².
   * The three variables keep their identity; their values may be replaced in place. The gradient stays the caller's.
   *
   * @param rates [5]: what g is multiplied by first (the clipping factor), lr, 1/(1−β₁ᵗ), 1/√(1−β₂ᵗ), and whether to
   * change anything at all (0: nothing)
   */
  adamwStep(
    parameter: Variable,
    first: Variable,
    second: Variable,
    gradient: Tensor,
    rates: Tensor1D,
    settings: AdamwSettings,
  ): void;
  /** Σ x² over all numbers of all tensors: the square of the global gradient norm. The caller's. */
  squaredNorm(tensors: readonly Tensor[]): Scalar;
}

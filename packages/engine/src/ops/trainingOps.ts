import type { Tensor, Variable } from "@tensorflow/tfjs";

/** One step of AdamW, PyTorch's way (decay decoupled, ε outside the bias correction). */
export interface AdamwSettings {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Multiplied by the learning rate; 0 for gains, biases and the logit scale. */
  weightDecay: number;
  /** 1 for the first update. */
  step: number;
  /** What the gradient is multiplied by first: the clipping factor. Default 1. */
  gradientScale?: number;
}

/** What a training loop needs besides TensorFlow.js, each engine in its fastest way. */
export interface TrainingOps {
  /**
   * p ← p·(1 − lr·decay) − lr/(1−β₁ᵗ) · m/(√v/√(1−β₂ᵗ) + ε), with m ← β₁m + (1−β₁)g and v ← β₂v + (1−β₂)g².
   * The three variables keep their identity; their values may be replaced in place. The gradient stays the caller's.
   */
  adamwStep(
    parameter: Variable,
    first: Variable,
    second: Variable,
    gradient: Tensor,
    settings: AdamwSettings,
  ): void;
  /** Σ x² over all numbers of all tensors: the square of the global gradient norm. */
  squaredNorm(tensors: readonly Tensor[]): number;
}

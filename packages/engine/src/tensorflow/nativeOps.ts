import type { Scalar } from "@tensorflow/tfjs";
import type { Tf } from "../engine.js";
import type { TrainingOps } from "../ops/trainingOps.js";
import type { NodeBackend } from "./compiled/binding.js";
import { runOp } from "./kernels/nativeKernels.js";

/** The training loop's operations by those of native/*.cc: one pass each; in compiled programs, AdamW in place. */
export function nativeOps(tf: Tf): TrainingOps {
  const backend = tf.backend() as unknown as NodeBackend;
  const { TF_ATTR_FLOAT, TF_ATTR_INT } = backend.binding;
  return {
    adamwStep(parameter, first, second, gradient, rates, s) {
      const attributes = Object.entries({
        rate_scale: s.rateScale,
        beta1: s.beta1,
        beta2: s.beta2,
        epsilon: s.epsilon,
        decay: s.weightDecay,
      }).map(([name, value]) => ({ name, type: TF_ATTR_FLOAT, value }));
      const variables = [parameter, first, second];
      const values = runOp(backend, "PairloomAdamW", [...variables, gradient, rates], attributes, 3);
      variables.forEach((variable, i) => variable.assign(values[i]!));
      tf.dispose(values);
    },

    squaredNorm(tensors) {
      if (tensors.length === 0) return tf.scalar(0);
      const count = { name: "N", type: TF_ATTR_INT, value: tensors.length };
      return runOp(backend, "PairloomSquaredNorm", tensors, [count], 1)[0] as Scalar;
    },
  };
}

/** Gives memory that the library has freed, and keeps for itself, back to the system. */
export function trimMemory(tf: Tf): void {
  tf.dispose(runOp(tf.backend() as unknown as NodeBackend, "PairloomTrimMemory", [], [], 1));
}

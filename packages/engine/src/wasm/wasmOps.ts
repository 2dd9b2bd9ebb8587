import * as tf from "@tensorflow/tfjs";
import type { TrainingOps } from "../ops/trainingOps.js";
import { floatsOf, makeOutput, pointerOf } from "./heap.js";
import type { TrainingBackend } from "./trainingBackend.js";

/** How many numbers one sum of `squareSums` takes. */
const part = 4096;

/** The training loop's operations on the wasm heap: one pass each, in place. */
export function wasmOps(backend: TrainingBackend): TrainingOps {
  return {
    adamwStep(parameter, first, second, gradient, rates, s) {
      for (const variable of [parameter, first, second]) {
        if (variable.size !== gradient.size)
          throw new Error(
            `Expected ${variable.name} and its gradient to have one size, got ${variable.shape.join("×")} and ${gradient.shape.join("×")}`,
          );
        ownStorage(backend, variable);
      }
      const [scale = 1, learningRate = 0, correction1 = 1, correction2 = 1, go = 1] = floatsOf(
        backend,
        rates,
      );
      if (go === 0) return;
      const rate = learningRate * s.rateScale;
      const pointers = [parameter, first, second, gradient].map((t) => pointerOf(backend, t));
      const settings = [
        ...[scale, 1 - rate * s.weightDecay, s.beta1, s.beta2, 1 - s.beta1, 1 - s.beta2],
        ...[rate * correction1, correction2, s.epsilon],
      ];
      const { size } = parameter;
      backend.pool.run("adamw", [...pointers, ...settings], { units: size, grain: 16, cost: size * 4 });
    },

    squaredNorm(tensors) {
      let total = 0;
      for (const tensor of tensors) {
        const parts = Math.ceil(tensor.size / part);
        backend.pool.borrow(parts * 8, (sums) => {
          const call = { units: parts, cost: tensor.size };
          backend.pool.run("squareSums", [pointerOf(backend, tensor), tensor.size, sums], call);
          new Float64Array(backend.wasm.HEAPU8.buffer, sums, parts).forEach((sum) => (total += sum));
        });
      }
      return tf.scalar(total);
    },
  };
}

/** Gives a variable values of its own if a clone or a reshaped tensor shares them: those must not change with it. */
function ownStorage(backend: TrainingBackend, variable: tf.Variable): void {
  if (backend.refCount(variable.dataId) <= 1) return;
  tf.tidy(() => {
    const copy = makeOutput(backend, variable.shape);
    floatsOf(backend, copy).set(floatsOf(backend, variable));
    variable.assign(tf.engine().makeTensorFromTensorInfo(copy));
  });
}

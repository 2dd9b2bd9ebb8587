import * as tf from "@tensorflow/tfjs";
import type { Tensor, TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TrainingOps } from "../ops/trainingOps.js";
import { type ElementFunction, mapElements } from "./elementwise.js";
import { groupSize, runShader } from "./shader.js";

/** How many numbers one sum of `squaredNorm` takes. */
const part = 64 * groupSize;

/** The training loop's operations on the GPU: three passes an update, one a tensor for the norm. */
export function webgpuOps(backend: WebGPUBackend): TrainingOps {
  return {
    adamwStep(parameter, first, second, gradient, rates, s) {
      const [g, tables] = [gradient, { rates }];
      const replace = (variable: tf.Variable, fn: ElementFunction) => {
        const value = tf.engine().makeTensorFromTensorInfo(mapElements(backend, fn));
        variable.assign(value);
        value.dispose();
      };
      // chosen, not multiplied: nothing times NaN is NaN
      const ifGo = (old: string, changed: string) => `select(${old}, ${changed}, rates[4] > 0.0)`;
      replace(first, {
        key: "adamwFirst",
        inputs: { m: first, g },
        tables,
        factors: { keep: s.beta1, take: 1 - s.beta1 },
        expression: ifGo("m", "uniforms.keep * m + uniforms.take * (rates[0] * g)"),
      });
      replace(second, {
        key: "adamwSecond",
        inputs: { v: second, g },
        tables,
        factors: { keep: s.beta2, take: 1 - s.beta2 },
        expression: ifGo("v", "uniforms.keep * v + uniforms.take * (rates[0] * g) * (rates[0] * g)"),
      });
      const rate = "rates[1] * uniforms.rateScale";
      const change = `${rate} * rates[2] * m / (sqrt(v) * rates[3] + uniforms.epsilon)`;
      replace(parameter, {
        key: "adamwParameter",
        inputs: { p: parameter, m: first, v: second },
        tables,
        factors: { rateScale: s.rateScale, decay: s.weightDecay, epsilon: s.epsilon },
        expression: ifGo("p", `(1.0 - ${rate} * uniforms.decay) * p - ${change}`),
      });
    },

    squaredNorm(tensors) {
      const counts = tensors.map(({ size }) => Math.ceil(size / part));
      const parts = counts.reduce((sum, count) => sum + count, 0);
      if (parts === 0) return tf.scalar(0);
      const sums = backend.makeTensorInfo([parts], "float32");
      let offset = 0;
      tensors.forEach((tensor, i) => {
        addSquareSums(backend, tensor, sums, offset);
        offset += counts[i]!;
      });
      const tensor = tf.engine().makeTensorFromTensorInfo(sums);
      const total: tf.Scalar = tf.sum(tensor);
      tensor.dispose();
      return total;
    },
  };
}

/** Writes a tensor's sums of squares, one a workgroup, into `sums` from `offset` on. */
function addSquareSums(
  backend: WebGPUBackend,
  x: TensorInfo & Tensor,
  sums: TensorInfo,
  offset: number,
): void {
  if (x.size === 0) return;
  const groups = Math.ceil(x.size / part);
  runShader(backend, {
    key: "squareSums",
    inputs: { x },
    counts: { size: x.size, offset, groups },
    declarations: `var<workgroup> parts : array<f32, ${groupSize}>;`,
    code: `
      let group = index / ${groupSize};
      let end = min((group + 1) * ${part}, uniforms.size);
      var sum = 0.0;
      for (var at = group * ${part} + i32(localId.x); at < end; at += ${groupSize}) { sum += x[at] * x[at]; }
      parts[localId.x] = sum;
      workgroupBarrier();
      for (var half = ${groupSize / 2}u; half > 0u; half /= 2u) {
        if (localId.x < half) { parts[localId.x] += parts[localId.x + half]; }
        workgroupBarrier();
      }
      if (localId.x == 0u && group < uniforms.groups) { result[uniforms.offset + group] = parts[0]; }`,
    output: sums,
    grid: { count: groups * groupSize },
  });
}

import * as tf from "@tensorflow/tfjs";
import type { Tensor, TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TrainingOps } from "../ops/trainingOps.js";
import { mapElements } from "./elementwise.js";
import { groupSize, runShader } from "./shader.js";

/** How many numbers one sum of `squaredNorm` takes. */
const part = 64 * groupSize;

/** The training loop's operations on the GPU: three passes an update, one a tensor for the norm. */
export function webgpuOps(backend: WebGPUBackend): TrainingOps {
  const map = (fn: Parameters<typeof mapElements>[1]) =>
    tf.engine().makeTensorFromTensorInfo(mapElements(backend, fn));
  return {
    adamwStep(parameter, first, second, gradient, s) {
      const g = gradient;
      const scale = s.gradientScale ?? 1;
      const replace = (variable: tf.Variable, value: Tensor) => {
        variable.assign(value);
        value.dispose();
      };
      replace(
        first,
        map({
          key: "adamwFirst",
          inputs: { m: first, g },
          factors: { keep: s.beta1, take: (1 - s.beta1) * scale },
          expression: "uniforms.keep * m + uniforms.take * g",
        }),
      );
      replace(
        second,
        map({
          key: "adamwSecond",
          inputs: { v: second, g },
          factors: { keep: s.beta2, take: (1 - s.beta2) * scale * scale },
          expression: "uniforms.keep * v + uniforms.take * g * g",
        }),
      );
      replace(
        parameter,
        map({
          key: "adamwParameter",
          inputs: { p: parameter, m: first, v: second },
          factors: {
            keep: 1 - s.learningRate * s.weightDecay,
            rate: s.learningRate / (1 - s.beta1 ** s.step),
            correction: 1 / Math.sqrt(1 - s.beta2 ** s.step),
            epsilon: s.epsilon,
          },
          expression:
            "uniforms.keep * p - uniforms.rate * m / (sqrt(v) * uniforms.correction + uniforms.epsilon)",
        }),
      );
    },

    async squaredNorm(tensors) {
      const counts = tensors.map(({ size }) => Math.ceil(size / part));
      const parts = counts.reduce((sum, count) => sum + count, 0);
      if (parts === 0) return 0;
      const sums = backend.makeTensorInfo([parts], "float32");
      let offset = 0;
      tensors.forEach((tensor, i) => {
        addSquareSums(backend, tensor, sums, offset);
        offset += counts[i]!;
      });
      const tensor = tf.engine().makeTensorFromTensorInfo(sums);
      const values = await tensor.data<"float32">();
      tensor.dispose();
      return values.reduce((total, value) => total + value, 0);
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

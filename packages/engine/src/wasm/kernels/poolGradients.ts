import * as tf from "@tensorflow/tfjs";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { floatsOf, makeOutput } from "../heap.js";
import type { TrainingBackend } from "../trainingBackend.js";

type Shape4 = [number, number, number, number];
type PoolInfo = ReturnType<typeof tf.backend_util.computePool2DInfo>;

function infoOf(call: { attrs?: unknown }, x: TensorInfo): PoolInfo {
  const { filterSize, strides, pad, dimRoundingMode } = call.attrs as {
    filterSize: [number, number];
    strides: [number, number];
    pad: "valid" | "same" | number;
    dimRoundingMode?: "floor" | "round" | "ceil";
  };
  return tf.backend_util.computePool2DInfo(x.shape as Shape4, filterSize, strides, 1, pad, dimRoundingMode);
}

/** Calls `visit` for each window with its output pixel's and its input pixels' offsets (of channel 0). */
function eachWindow(p: PoolInfo, visit: (output: number, inputs: readonly number[]) => void): void {
  const C = p.inChannels;
  for (let b = 0; b < p.batchSize; b++)
    for (let oy = 0; oy < p.outHeight; oy++)
      for (let ox = 0; ox < p.outWidth; ox++) {
        const inputs: number[] = [];
        for (let fy = 0; fy < p.effectiveFilterHeight; fy++) {
          const y = oy * p.strideHeight - p.padInfo.top + fy;
          if (y < 0 || y >= p.inHeight) continue;
          for (let fx = 0; fx < p.effectiveFilterWidth; fx++) {
            const x = ox * p.strideWidth - p.padInfo.left + fx;
            if (x >= 0 && x < p.inWidth) inputs.push(((b * p.inHeight + y) * p.inWidth + x) * C);
          }
        }
        visit(((b * p.outHeight + oy) * p.outWidth + ox) * C, inputs);
      }
}

/** dy [B,OH,OW,C], input [B,H,W,C] → dx: each output's gradient in equal parts to the pixels it averaged. */
const avgPoolGrad: KernelConfig = {
  kernelName: "AvgPoolGrad",
  backendName: "wasm",
  kernelFunc: (call) => {
    const backend = call.backend as TrainingBackend;
    const { dy, input } = call.inputs as { dy: TensorInfo; input: TensorInfo };
    const info = infoOf(call, input);
    const out = makeOutput(backend, input.shape);
    const dx = floatsOf(backend, out).fill(0);
    const from = floatsOf(backend, dy);
    eachWindow(info, (output, inputs) => {
      const share = 1 / inputs.length;
      for (const at of inputs)
        for (let c = 0; c < info.inChannels; c++) dx[at + c] = dx[at + c]! + from[output + c]! * share;
    });
    return out;
  },
};

/** dy, input, output → dx: each output's gradient to the first of its window's pixels that is the greatest. */
const maxPoolGrad: KernelConfig = {
  kernelName: "MaxPoolGrad",
  backendName: "wasm",
  kernelFunc: (call) => {
    const backend = call.backend as TrainingBackend;
    const { dy, input } = call.inputs as { dy: TensorInfo; input: TensorInfo };
    const info = infoOf(call, input);
    const out = makeOutput(backend, input.shape);
    const dx = floatsOf(backend, out).fill(0);
    const from = floatsOf(backend, dy);
    const x = floatsOf(backend, input);
    eachWindow(info, (output, inputs) => {
      for (let c = 0; c < info.inChannels; c++) {
        let best = inputs[0] ?? 0;
        for (const at of inputs) if (x[at + c]! > x[best + c]!) best = at;
        dx[best + c] = dx[best + c]! + from[output + c]!;
      }
    });
    return out;
  },
};

/** The stock gradients of pooling are slow (average) or wrong (maximum). */
export const poolGradients: KernelConfig[] = [avgPoolGrad, maxPoolGrad];

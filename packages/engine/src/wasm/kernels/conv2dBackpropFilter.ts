import * as tf from "@tensorflow/tfjs";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { floatsOf, makeOutput } from "../heap.js";
import type { WasmBackend } from "../wasmModule.js";

/** x [B,H,W,C], dy [B,H',W',K] → the filter's gradient [FH,FW,C,K]. The back end lacks it. */
export const conv2dBackpropFilter: KernelConfig = {
  kernelName: "Conv2DBackpropFilter",
  backendName: "wasm",
  kernelFunc: (call) => {
    const backend = call.backend as WasmBackend;
    const { x, dy } = call.inputs as { x: TensorInfo; dy: TensorInfo };
    const attrs = call.attrs as unknown as ConvAttrs;
    const c = tf.backend_util.computeConv2DInfo(
      x.shape as [number, number, number, number],
      attrs.filterShape,
      attrs.strides,
      1,
      attrs.pad,
      attrs.dimRoundingMode,
      false,
    );
    const out = makeOutput(backend, attrs.filterShape);
    const dw = floatsOf(backend, out).fill(0);
    const xs = floatsOf(backend, x);
    const dys = floatsOf(backend, dy);
    const { inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = c;
    for (let b = 0; b < c.batchSize; b++)
      for (let oy = 0; oy < outHeight; oy++)
        for (let ox = 0; ox < outWidth; ox++)
          for (let fy = 0; fy < c.filterHeight; fy++) {
            const iy = oy * c.strideHeight + fy - c.padInfo.top;
            if (iy < 0 || iy >= inHeight) continue;
            for (let fx = 0; fx < c.filterWidth; fx++) {
              const ix = ox * c.strideWidth + fx - c.padInfo.left;
              if (ix < 0 || ix >= inWidth) continue;
              for (let i = 0; i < inChannels; i++) {
                const v = xs[((b * inHeight + iy) * inWidth + ix) * inChannels + i] ?? 0;
                const at = ((fy * c.filterWidth + fx) * inChannels + i) * outChannels;
                const from = ((b * outHeight + oy) * outWidth + ox) * outChannels;
                for (let o = 0; o < outChannels; o++)
                  dw[at + o] = (dw[at + o] ?? 0) + v * (dys[from + o] ?? 0);
              }
            }
          }
    return out;
  },
};

interface ConvAttrs {
  strides: [number, number];
  pad: "valid" | "same" | number;
  dimRoundingMode?: "floor" | "round" | "ceil";
  filterShape: [number, number, number, number];
}

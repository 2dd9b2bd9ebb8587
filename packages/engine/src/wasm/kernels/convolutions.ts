import * as tf from "@tensorflow/tfjs";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import { convolve, convolveFilterGradient, convolveInputGradient } from "../convolve.js";
import type { ConvInfo } from "../convolve.js";
import { makeOutput, pointerOf } from "../heap.js";
import type { TrainingBackend } from "../trainingBackend.js";

type Shape4 = [number, number, number, number];

interface ConvAttrs {
  strides: [number, number];
  pad: "valid" | "same" | number;
  dataFormat?: string;
  dilations?: [number, number];
  dimRoundingMode?: "floor" | "round" | "ceil";
  filterShape: Shape4;
  inputShape: Shape4;
}

function infoOf(attrs: ConvAttrs, x: readonly number[], filter: readonly number[]): ConvInfo {
  if (attrs.dataFormat !== undefined && attrs.dataFormat !== "NHWC")
    throw new Error(`Expected a convolution's data format to be NHWC, got ${attrs.dataFormat}`);
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  return tf.backend_util.computeConv2DInfo(
    x as Shape4,
    filter as Shape4,
    strides,
    dilations ?? 1,
    pad,
    dimRoundingMode,
    false,
  );
}

/** x [B,H,W,C], filter [FH,FW,C,K] → [B,OH,OW,K]. The stock kernel remembers the filter's values. */
export const conv2d: KernelConfig = {
  kernelName: "Conv2D",
  backendName: "wasm",
  kernelFunc: (call) => {
    const backend = call.backend as TrainingBackend;
    const { x, filter } = call.inputs as { x: TensorInfo; filter: TensorInfo };
    const info = infoOf(call.attrs as unknown as ConvAttrs, x.shape, filter.shape);
    const out = makeOutput(backend, info.outShape);
    convolve(backend, info, pointerOf(backend, x), pointerOf(backend, filter), pointerOf(backend, out));
    return out;
  },
};

/** dy [B,OH,OW,K], filter → the input's gradient [B,H,W,C]. The stock kernel is a plain loop. */
export const conv2dBackpropInput: KernelConfig = {
  kernelName: "Conv2DBackpropInput",
  backendName: "wasm",
  kernelFunc: (call) => {
    const backend = call.backend as TrainingBackend;
    const { dy, filter } = call.inputs as { dy: TensorInfo; filter: TensorInfo };
    const attrs = call.attrs as unknown as ConvAttrs;
    const out = makeOutput(backend, attrs.inputShape);
    const info = infoOf(attrs, attrs.inputShape, filter.shape);
    convolveInputGradient(
      backend,
      info,
      pointerOf(backend, dy),
      pointerOf(backend, filter),
      pointerOf(backend, out),
    );
    return out;
  },
};

/** x [B,H,W,C], dy [B,OH,OW,K] → the filter's gradient [FH,FW,C,K]. The stock back end lacks it. */
export const conv2dBackpropFilter: KernelConfig = {
  kernelName: "Conv2DBackpropFilter",
  backendName: "wasm",
  kernelFunc: (call) => {
    const backend = call.backend as TrainingBackend;
    const { x, dy } = call.inputs as { x: TensorInfo; dy: TensorInfo };
    const attrs = call.attrs as unknown as ConvAttrs;
    const out = makeOutput(backend, attrs.filterShape);
    const info = infoOf(attrs, x.shape, attrs.filterShape);
    convolveFilterGradient(
      backend,
      info,
      pointerOf(backend, x),
      pointerOf(backend, dy),
      pointerOf(backend, out),
    );
    return out;
  },
};

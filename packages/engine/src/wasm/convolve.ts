import type { backend_util } from "@tensorflow/tfjs";
import { multiply, packedBytes, rowCall, withPacked } from "./multiply.js";
import type { TrainingBackend } from "./trainingBackend.js";

export type ConvInfo = backend_util.Conv2DInfo;

/** A 1×1 convolution that reads every pixel once is a plain product. */
export function isProduct(c: ConvInfo): boolean {
  const { top, bottom, left, right } = c.padInfo;
  return (
    c.filterHeight * c.filterWidth === 1 &&
    c.strideHeight * c.strideWidth === 1 &&
    top + bottom + left + right === 0
  );
}

/**
 * The convolution's shape as assembly/gemm.as reads it: 15 numbers. Where no padding is met and taps lie side by side,
 * the taps of one row are joined into one long tap.
 */
function shapeOf(c: ConvInfo, inputGradient: boolean): number[] {
  const dilated = c.dilationHeight * c.dilationWidth > 1;
  const { top, bottom, left, right } = c.padInfo;
  const join = !inputGradient && !dilated && top + bottom + left + right === 0;
  const [readH, readW, readC] = inputGradient
    ? [c.outHeight, c.outWidth, c.outChannels]
    : [c.inHeight, c.inWidth, c.inChannels];
  return [
    ...[readH, readW, join ? readC * c.filterWidth : readC],
    ...(inputGradient ? [c.inHeight, c.inWidth] : [c.outHeight, c.outWidth]),
    ...[c.filterHeight, join ? 1 : c.filterWidth, c.strideHeight, c.strideWidth],
    ...[top, left, c.dilationHeight, c.dilationWidth, Number(inputGradient), readC],
  ];
}

function withShape(backend: TrainingBackend, shape: number[], use: (pointer: number) => void): void {
  backend.pool.borrow(shape.length * 4, (pointer) => {
    new Int32Array(backend.wasm.HEAPU8.buffer, pointer, shape.length).set(shape);
    use(pointer);
  });
}

/** y [B,OH,OW,K] = x [B,H,W,C] ∗ filter [FH,FW,C,K]; all are addresses. */
export function convolve(backend: TrainingBackend, c: ConvInfo, x: number, filter: number, y: number): void {
  const m = c.batchSize * c.outHeight * c.outWidth;
  const n = c.outChannels;
  const k = c.filterHeight * c.filterWidth * c.inChannels;
  const b = { pointer: filter, stride: n, turned: false };
  if (isProduct(c)) return multiply(backend, { pointer: x, stride: k, turned: false }, b, y, { m, n, k });
  const shape = shapeOf(c, false);
  withShape(backend, shape, (s) =>
    withPacked(backend, b, k, n, (packed) =>
      backend.pool.run("convRows", [s, x, packed, y, m, n], rowCall(backend, m, m * n * k, shape[2])),
    ),
  );
}

/** dx [B,H,W,C] from dy [B,OH,OW,K]: a convolution of dy with the filter turned round. */
export function convolveInputGradient(
  backend: TrainingBackend,
  c: ConvInfo,
  dy: number,
  filter: number,
  dx: number,
): void {
  const m = c.batchSize * c.inHeight * c.inWidth;
  const n = c.inChannels;
  const taps = c.filterHeight * c.filterWidth;
  const k = taps * c.outChannels;
  if (isProduct(c)) {
    const b = { pointer: filter, stride: k, turned: true };
    return multiply(backend, { pointer: dy, stride: k, turned: false }, b, dx, { m, n, k });
  }
  withShape(backend, shapeOf(c, true), (s) =>
    backend.pool.borrow(packedBytes(k, n), (packed) => {
      const units = Math.ceil(n / 8);
      backend.pool.run("packTurnedFilter", [filter, taps, n, c.outChannels, packed], { units, cost: k * n });
      backend.pool.run("convRows", [s, dy, packed, dx, m, n], rowCall(backend, m, m * n * k, c.outChannels));
    }),
  );
}

/** The filter's gradient [FH,FW,C,K]: patches of x, turned, times dy. */
export function convolveFilterGradient(
  backend: TrainingBackend,
  c: ConvInfo,
  x: number,
  dy: number,
  filter: number,
): void {
  const pixels = c.batchSize * c.outHeight * c.outWidth;
  const n = c.outChannels;
  const m = c.filterHeight * c.filterWidth * c.inChannels;
  const b = { pointer: dy, stride: n, turned: false };
  if (isProduct(c)) {
    return multiply(backend, { pointer: x, stride: m, turned: true }, b, filter, { m, n, k: pixels });
  }
  const shape = shapeOf(c, false);
  withShape(backend, shape, (s) =>
    withPacked(backend, b, pixels, n, (packed) =>
      backend.pool.run(
        "convFilterRows",
        [s, x, packed, filter, pixels, n],
        rowCall(backend, m, m * n * pixels, shape[2]),
      ),
    ),
  );
}

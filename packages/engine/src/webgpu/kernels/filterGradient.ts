import * as tf from "@tensorflow/tfjs";
import type { KernelConfig, TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { columnSums, plainTerm } from "../columnSums.js";
import { runShader } from "../shader.js";

const tile = 16;
/** Workgroups that fill a large GPU, and the fewest places of a chunk. */
const enoughGroups = 1024;
const leastPlaces = 256;

interface Attributes {
  strides: number | [number, number];
  pad: "same" | "valid" | number;
  dataFormat: string;
  dimRoundingMode?: "floor" | "round" | "ceil";
  filterShape: [number, number, number, number];
}

/**
 * x [B, H, W, I], dy [B, OH, OW, O] → [KH, KW, I, O]. For each place of the filter a product of two tables, [places, I] and
 * [places, O], in tiles of 16×16; the places (B·OH·OW of them) are cut into chunks that are summed afterwards. The stock
 * kernel gives each number of the result to one thread, which then walks through all places alone.
 */
export function filterGradient(stock: KernelConfig): KernelConfig {
  return {
    ...stock,
    kernelFunc: (call) => {
      const { x, dy } = call.inputs as { x: TensorInfo; dy: TensorInfo };
      const { strides, pad, dataFormat, dimRoundingMode, filterShape } = call.attrs as unknown as Attributes;
      if (dataFormat !== "NHWC") return stock.kernelFunc(call);
      const shape = x.shape as [number, number, number, number];
      const c = tf.backend_util.computeConv2DInfo(shape, filterShape, strides, 1, pad, dimRoundingMode);
      const backend = call.backend as WebGPUBackend;
      const places = c.batchSize * c.outHeight * c.outWidth;
      const across = Math.ceil(c.outChannels / tile);
      const down = c.filterHeight * c.filterWidth * Math.ceil(c.inChannels / tile);
      const wanted = Math.min(Math.ceil(enoughGroups / (across * down)), Math.ceil(places / leastPlaces));
      const placesEach = Math.ceil(places / wanted / tile) * tile;
      const chunks = Math.ceil(places / placesEach);
      const parts = runShader(backend, {
        key: "filterGradient",
        inputs: { x, dy },
        counts: {
          ...{ places, placesEach, inputs: c.inChannels, outputs: c.outChannels },
          ...{ inHigh: c.inHeight, inWide: c.inWidth, outHigh: c.outHeight, outWide: c.outWidth },
          ...{ filterWide: c.filterWidth, taps: c.filterHeight * c.filterWidth },
          ...{
            strideDown: c.strideHeight,
            strideAcross: c.strideWidth,
            top: c.padInfo.top,
            left: c.padInfo.left,
          },
        },
        declarations: `
          var<workgroup> xs : array<array<f32, ${tile}>, ${tile}>;
          var<workgroup> ds : array<array<f32, ${tile}>, ${tile}>;`,
        code: tiles,
        output: chunks === 1 ? filterShape : [chunks, ...filterShape],
        grid: { groups: [across, down, chunks], threads: [tile, tile, 1] },
      });
      if (chunks === 1) return parts;
      const sums = columnSums(
        backend,
        plainTerm(parts),
        chunks,
        filterShape.reduce((a, b) => a * b, 1),
      );
      backend.disposeData(parts.dataId);
      return { ...sums, shape: filterShape };
    },
  };
}

const tiles = `
  let across = i32(localId.x);
  let down = i32(localId.y);
  let strips = (uniforms.inputs + ${tile - 1}) / ${tile};
  let tap = i32(workgroupId.y) / strips;
  let firstInput = i32(workgroupId.y) % strips * ${tile};
  let o = i32(workgroupId.x) * ${tile} + across;
  let first = i32(workgroupId.z) * uniforms.placesEach;
  var sum = 0.0;
  for (var step = 0; step < uniforms.placesEach; step += ${tile}) {
    let place = first + step + down;
    var xValue = 0.0;
    var dValue = 0.0;
    if (place < uniforms.places) {
      if (o < uniforms.outputs) { dValue = dy[place * uniforms.outputs + o]; }
      let image = place / (uniforms.outHigh * uniforms.outWide);
      let inImage = place % (uniforms.outHigh * uniforms.outWide);
      let row = inImage / uniforms.outWide * uniforms.strideDown + tap / uniforms.filterWide - uniforms.top;
      let column = inImage % uniforms.outWide * uniforms.strideAcross + tap % uniforms.filterWide - uniforms.left;
      let input = firstInput + across;
      if (input < uniforms.inputs && row >= 0 && row < uniforms.inHigh && column >= 0 && column < uniforms.inWide) {
        xValue = x[((image * uniforms.inHigh + row) * uniforms.inWide + column) * uniforms.inputs + input];
      }
    }
    xs[down][across] = xValue;
    ds[down][across] = dValue;
    workgroupBarrier();
    for (var k = 0; k < ${tile}; k++) { sum += xs[k][down] * ds[k][across]; }
    workgroupBarrier();
  }
  let input = firstInput + down;
  if (input < uniforms.inputs && o < uniforms.outputs) {
    result[((i32(workgroupId.z) * uniforms.taps + tap) * uniforms.inputs + input) * uniforms.outputs + o] = sum;
  }`;

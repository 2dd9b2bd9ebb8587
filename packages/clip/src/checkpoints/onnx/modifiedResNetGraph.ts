import { batchNormEpsilon } from "../../ops/batchNorm.js";
import { visionHeads, type VisionConfig } from "../../modelConfig.js";
import type { OnnxGraph, Value } from "./onnxGraph.js";
import { attentionGraph, linear } from "./transformerGraph.js";
import { tokenAt } from "./visionTransformerGraph.js";

/** CLIP's ResNet with running statistics. images [B, 3, H, W] → [B, E], not normalised. */
export function modifiedResNetGraph(graph: OnnxGraph, vision: VisionConfig, images: Value): Value {
  let x = images;
  for (const [i, stride] of [2, 1, 1].entries()) {
    const convolved = convolution(graph, `visual.conv${i + 1}`, x, { side: 3, stride });
    x = graph.node("Relu", [batchNorm(graph, `visual.bn${i + 1}`, convolved)]);
  }
  x = averagePool(graph, x, 2);
  (vision.layers as readonly number[]).forEach((blocks, stage) => {
    for (let index = 0; index < blocks; index++) {
      const stride = stage > 0 && index === 0 ? 2 : 1;
      x = bottleneck(graph, `visual.layer${stage + 1}.${index}.`, x, stride);
    }
  });
  return attentionPool(graph, vision, x);
}

function bottleneck(graph: OnnxGraph, block: string, x: Value, stride: number): Value {
  const layer = (input: Value, number: number, side: number): Value =>
    batchNorm(graph, `${block}bn${number}`, convolution(graph, `${block}conv${number}`, input, { side }));
  const narrow = graph.node("Relu", [layer(x, 1, 1)]);
  const seen = averagePool(graph, graph.node("Relu", [layer(narrow, 2, 3)]), stride);
  const wide = layer(seen, 3, 1);
  const down = `${block}downsample.`;
  const identity = graph.has(`${down}0.weight`)
    ? batchNorm(graph, `${down}1`, convolution(graph, `${down}0`, averagePool(graph, x, stride), { side: 1 }))
    : x;
  return graph.node("Relu", [graph.node("Add", [wide, identity])]);
}

function convolution(
  graph: OnnxGraph,
  name: string,
  x: Value,
  { side, stride = 1 }: { side: number; stride?: number },
): Value {
  const pad = (side - 1) / 2;
  return graph.node("Conv", [x, graph.weight(`${name}.weight`)], {
    pads: { ints: [pad, pad, pad, pad] },
    strides: { ints: [stride, stride] },
  });
}

function batchNorm(graph: OnnxGraph, name: string, x: Value): Value {
  const parts = ["weight", "bias", "running_mean", "running_var"].map((part) =>
    graph.weight(`${name}.${part}`),
  );
  return graph.node("BatchNormalization", [x, ...parts], { epsilon: { float: batchNormEpsilon } });
}

function averagePool(graph: OnnxGraph, x: Value, side: number): Value {
  const sides = { ints: [side, side] };
  return side === 1 ? x : graph.node("AveragePool", [x], { kernel_shape: sides, strides: sides });
}

/** Attention with the mean of all places as the only query. [B, C, h, w] → [B, E] */
function attentionPool(graph: OnnxGraph, vision: VisionConfig, x: Value): Value {
  const pool = "visual.attnpool.";
  const flat = graph.node("Reshape", [x, graph.integers(0, 0, -1)]);
  const places = graph.node("Transpose", [flat], { perm: { ints: [0, 2, 1] } });
  const mean = graph.node("ReduceMean", [places], { axes: { ints: [1] }, keepdims: { int: 1 } });
  const sequence = graph.node("Concat", [mean, places], { axis: { int: 1 } });
  const placed = graph.node("Add", [sequence, graph.weight(`${pool}positional_embedding`)]);
  const first = graph.node("Gather", [placed, graph.integers(0)], { axis: { int: 1 } });
  const q = linear(graph, `${pool}q_proj`, first);
  const [k, v] = ["k_proj", "v_proj"].map((name) => linear(graph, pool + name, placed)) as [Value, Value];
  const shape = { width: 32 * vision.width, heads: visionHeads(vision) };
  const mixed = attentionGraph(graph, q, k, v, shape);
  return linear(graph, `${pool}c_proj`, tokenAt(graph, mixed, 0));
}

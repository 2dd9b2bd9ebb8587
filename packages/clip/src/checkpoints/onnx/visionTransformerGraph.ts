import { visionHeads, type VisionConfig } from "../../modelConfig.js";
import type { OnnxGraph, Value } from "./onnxGraph.js";
import { blockShape, layerNorm, transformerGraph } from "./transformerGraph.js";

/** CLIP's vision transformer. images [B, 3, H, W] → [B, E], not normalised. */
export function visionTransformerGraph(
  graph: OnnxGraph,
  vision: VisionConfig,
  quick: boolean,
  images: Value,
): Value {
  const { width } = vision;
  const patch = vision.patch_size ?? 16;
  const grid = graph.node("Conv", [images, graph.weight("visual.conv1.weight")], {
    strides: { ints: [patch, patch] },
  });
  const flat = graph.node("Reshape", [grid, graph.integers(0, 0, -1)]);
  const patches = graph.node("Transpose", [flat], { perm: { ints: [0, 2, 1] } });
  const batch = graph.node("Shape", [images], { start: { int: 0 }, end: { int: 1 } });
  const firstShape = graph.node("Concat", [batch, graph.integers(1, width)], { axis: { int: 0 } });
  const first = graph.node("Expand", [graph.weight("visual.class_embedding"), firstShape]);
  const sequence = graph.node("Concat", [first, patches], { axis: { int: 1 } });
  let x = graph.node("Add", [sequence, graph.weight("visual.positional_embedding")]);
  const shape = blockShape(vision, visionHeads(vision), vision.layers as number, quick);
  const norm = (value: Value, name: string): Value =>
    layerNorm(graph, `visual.${name}`, value, shape.epsilon);
  if (!vision.no_ln_pre) x = norm(x, "ln_pre");
  x = transformerGraph(graph, "visual.transformer.", x, shape, null);
  return graph.node("MatMul", [pooled(graph, vision, x, norm), graph.weight("visual.proj")]);
}

/** The class token, or the mean of the others; normalised before or after. [B, T, D] → [B, D] */
function pooled(
  graph: OnnxGraph,
  vision: VisionConfig,
  x: Value,
  norm: (x: Value, name: string) => Value,
): Value {
  if (vision.pool_type === "tok") return norm(tokenAt(graph, x, 0), "ln_post");
  const source = vision.final_ln_after_pool ? x : norm(x, "ln_post");
  const rest = [graph.integers(1), graph.integers(2 ** 31), graph.integers(1)];
  const mean = graph.node("ReduceMean", [graph.node("Slice", [source, ...rest])], {
    axes: { ints: [1] },
    keepdims: { int: 0 },
  });
  return vision.final_ln_after_pool ? norm(mean, "ln_post") : mean;
}

/** One token of each sample. [B, T, D] → [B, D] */
export function tokenAt(graph: OnnxGraph, x: Value, place: number): Value {
  const token = graph.node("Gather", [x, graph.integers(place)], { axis: { int: 1 } });
  return graph.node("Squeeze", [token, graph.integers(1)]);
}

import { epsilonOf, type TextConfig, type VisionConfig } from "../../modelConfig.js";
import type { OnnxGraph, Value } from "./onnxGraph.js";

export interface BlockShape {
  readonly width: number;
  readonly heads: number;
  readonly layers: number;
  readonly epsilon: number;
  readonly activation: (graph: OnnxGraph, x: Value) => Value;
}

/** What a tower's blocks are made of. */
export function blockShape(
  tower: VisionConfig | TextConfig,
  heads: number,
  layers: number,
  quick: boolean,
): BlockShape {
  const exact = tower.act_kwargs?.approximate === "tanh" ? tanhGelu : gelu;
  return {
    width: tower.width,
    heads,
    layers,
    epsilon: epsilonOf(tower),
    activation: quick ? quickGelu : exact,
  };
}

/** A stack of pre-norm residual attention blocks. x [B, T, D] → [B, T, D]; mask [T, T] or null. */
export function transformerGraph(
  graph: OnnxGraph,
  prefix: string,
  x: Value,
  shape: BlockShape,
  mask: Value | null,
): Value {
  for (let layer = 0; layer < shape.layers; layer++) {
    const block = `${prefix}resblocks.${layer}.`;
    const scaled = (value: Value, name: string): Value =>
      graph.has(`${block}${name}.gamma`)
        ? graph.node("Mul", [value, graph.weight(`${block}${name}.gamma`)])
        : value;
    const norm1 = layerNorm(graph, `${block}ln_1`, x, shape.epsilon);
    const joint = projected(graph, norm1, `${block}attn.in_proj_weight`, `${block}attn.in_proj_bias`);
    const { width } = shape;
    const [q, k, v] = graph.outputs("Split", [joint, graph.integers(width, width, width)], 3, {
      axis: { int: 2 },
    }) as [Value, Value, Value];
    const mixed = attentionGraph(graph, q, k, v, shape, mask);
    x = graph.node("Add", [x, scaled(linear(graph, `${block}attn.out_proj`, mixed), "ls_1")]);
    const norm2 = layerNorm(graph, `${block}ln_2`, x, shape.epsilon);
    const hidden = shape.activation(graph, linear(graph, `${block}mlp.c_fc`, norm2));
    x = graph.node("Add", [x, scaled(linear(graph, `${block}mlp.c_proj`, hidden), "ls_2")]);
  }
  return x;
}

/** softmax(q·kᵀ/√d + mask)·v for all heads. q [B, Q, D], k and v [B, T, D] → [B, Q, D]; mask [Q, T] or null. */
export function attentionGraph(
  graph: OnnxGraph,
  q: Value,
  k: Value,
  v: Value,
  { width, heads }: Pick<BlockShape, "width" | "heads">,
  mask: Value | null = null,
): Value {
  const depth = width / heads;
  const split = (x: Value, ...axes: number[]): Value =>
    graph.node("Transpose", [graph.node("Reshape", [x, graph.integers(0, 0, heads, depth)])], {
      perm: { ints: axes },
    });
  const scaled = graph.node("Mul", [split(q, 0, 2, 1, 3), graph.scalar(1 / Math.sqrt(depth))]);
  const scores = graph.node("MatMul", [scaled, split(k, 0, 2, 3, 1)]);
  const masked = mask === null ? scores : graph.node("Add", [scores, mask]);
  const weights = graph.node("Softmax", [masked], { axis: { int: -1 } });
  const mixed = graph.node("MatMul", [weights, split(v, 0, 2, 1, 3)]);
  const turned = graph.node("Transpose", [mixed], { perm: { ints: [0, 2, 1, 3] } });
  return graph.node("Reshape", [turned, graph.integers(0, 0, width)]);
}

/** Layer normalisation over the last axis. */
export function layerNorm(graph: OnnxGraph, name: string, x: Value, epsilon: number): Value {
  const parts = [x, graph.weight(`${name}.weight`), graph.weight(`${name}.bias`)];
  return graph.node("LayerNormalization", parts, { axis: { int: -1 }, epsilon: { float: epsilon } });
}

/** A linear layer over the last axis. */
export function linear(graph: OnnxGraph, name: string, x: Value): Value {
  return projected(graph, x, `${name}.weight`, `${name}.bias`);
}

function projected(graph: OnnxGraph, x: Value, weight: string, bias: string): Value {
  return graph.node("Add", [graph.node("MatMul", [x, graph.turnedWeight(weight)]), graph.weight(bias)]);
}

function quickGelu(graph: OnnxGraph, x: Value): Value {
  const gate = graph.node("Sigmoid", [graph.node("Mul", [x, graph.scalar(1.702)])]);
  return graph.node("Mul", [x, gate]);
}

function gelu(graph: OnnxGraph, x: Value): Value {
  const bend = graph.node("Erf", [graph.node("Mul", [x, graph.scalar(Math.SQRT1_2)])]);
  return halved(graph, x, bend);
}

function tanhGelu(graph: OnnxGraph, x: Value): Value {
  const square = graph.node("Mul", [x, x]);
  const factor = graph.node("Add", [graph.node("Mul", [square, graph.scalar(0.044715)]), graph.scalar(1)]);
  const inner = graph.node("Mul", [graph.node("Mul", [x, graph.scalar(Math.sqrt(2 / Math.PI))]), factor]);
  return halved(graph, x, graph.node("Tanh", [inner]));
}

/** x/2 · (1 + bend). */
function halved(graph: OnnxGraph, x: Value, bend: Value): Value {
  const half = graph.node("Mul", [x, graph.scalar(0.5)]);
  return graph.node("Mul", [half, graph.node("Add", [bend, graph.scalar(1)])]);
}

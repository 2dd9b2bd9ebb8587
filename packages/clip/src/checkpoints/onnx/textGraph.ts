import type { ModelConfig, TextConfig } from "../../modelConfig.js";
import { elementTypes } from "./onnxModel.js";
import { bytesOf, type OnnxGraph, type Value } from "./onnxGraph.js";
import { blockShape, layerNorm, linear, transformerGraph } from "./transformerGraph.js";
import { tokenAt } from "./visionTransformerGraph.js";

/** CLIP's text tower. ids [B, T] int64, T the context length → [B, E], not normalised. */
export function textGraph(
  graph: OnnxGraph,
  { text_cfg: text, quick_gelu: quick }: ModelConfig,
  prefix: string,
  ids: Value,
): Value {
  const words = graph.node("Gather", [graph.weight(`${prefix}token_embedding.weight`), ids]);
  const placed = graph.node("Add", [words, graph.weight(`${prefix}positional_embedding`)]);
  const shape = blockShape(text, text.heads, text.layers, quick);
  const mask = text.no_causal_mask ? null : causalMask(graph, text.context_length);
  const x = transformerGraph(graph, `${prefix}transformer.`, placed, shape, mask);
  const pooled = layerNorm(graph, `${prefix}ln_final`, pooledToken(graph, text, x, ids), shape.epsilon);
  if (text.proj_type === "none") return pooled;
  if (text.proj_bias) return linear(graph, `${prefix}text_projection`, pooled);
  return graph.node("MatMul", [pooled, graph.weight(`${prefix}text_projection`)]);
}

/** The token that stands for each text. [B, T, D] → [B, D] */
function pooledToken(graph: OnnxGraph, text: TextConfig, x: Value, ids: Value): Value {
  switch (text.pool_type) {
    case "first":
      return tokenAt(graph, x, 0);
    case "last":
      return tokenAt(graph, x, text.context_length - 1);
    case "argmax":
      return tokenOfHighest(graph, x, ids);
    case "eos": {
      const found = graph.node("Equal", [ids, graph.integers(text.eos_id)]);
      return tokenOfHighest(graph, x, found);
    }
  }
}

/** The first token with the highest value. x [B, T, D], values [B, T] → [B, D] */
function tokenOfHighest(graph: OnnxGraph, x: Value, values: Value): Value {
  // int32: onnxruntime's ArgMax takes no int64
  const comparable = graph.node("Cast", [values], { to: { int: elementTypes.int32 } });
  const places = graph.node("ArgMax", [comparable], { axis: { int: 1 }, keepdims: { int: 1 } });
  return graph.node("GatherND", [x, places], { batch_dims: { int: 1 } });
}

/** Additive mask [T, T] that hides what comes later. */
function causalMask(graph: OnnxGraph, tokens: number): Value {
  return graph.constant("causal mask", "float", [tokens, tokens], () => {
    const values = new Float32Array(tokens * tokens);
    for (let row = 0; row < tokens; row++) values.fill(-Infinity, row * tokens + row + 1, (row + 1) * tokens);
    return bytesOf(values);
  });
}

import type { StateDict } from "./checkpoints/stateDict.js";
import { hasCustomBlocks, patchGrid, visionHeads, type ModelConfig, type TextConfig } from "./modelConfig.js";
import { RandomNumbers } from "./randomNumbers.js";
import { stateShapes, type StateEntry } from "./stateShapes.js";

/** How a tensor's values are drawn. */
type Draw =
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "normal"; readonly deviation: number }
  | { readonly kind: "uniform"; readonly bound: number }
  | { readonly kind: "sinCos" };

const constant = (value: number): Draw => ({ kind: "constant", value });
const normal = (deviation: number): Draw => ({ kind: "normal", deviation });
const uniform = (bound: number): Draw => ({ kind: "uniform", bound });

/**
 * A new model's state, drawn from the distributions that open_clip draws from (OpenAI's for the text tower and the
 * ResNet, PyTorch's defaults for the vision transformer). Each tensor has a stream of its own, from the seed and its key:
 * the same numbers on every engine and machine.
 */
export function initialParameters(config: ModelConfig, seed: number): StateDict {
  const state: StateDict = new Map();
  const shapes = stateShapes(config);
  for (const [key, entry] of shapes) {
    const { shape } = entry;
    if (entry.dtype === "int64") {
      state.set(key, { dtype: "I64", shape, data: new BigInt64Array(1) });
      continue;
    }
    const data = new Float32Array(shape.reduce((product, side) => product * side, 1));
    fill(data, drawOf(key, entry, shapes, config), new RandomNumbers(seed, key), config);
    state.set(key, { dtype: "F32", shape, data });
  }
  return state;
}

function fill(data: Float32Array, draw: Draw, random: RandomNumbers, config: ModelConfig): void {
  switch (draw.kind) {
    case "constant":
      data.fill(draw.value);
      return;
    case "normal":
      for (let i = 0; i < data.length; i++) data[i] = random.normal() * draw.deviation;
      return;
    case "uniform":
      for (let i = 0; i < data.length; i++) data[i] = (2 * random.uniform() - 1) * draw.bound;
      return;
    case "sinCos":
      fillSinCos(data, config);
  }
}

function drawOf(
  key: string,
  entry: StateEntry,
  shapes: ReadonlyMap<string, StateEntry>,
  config: ModelConfig,
): Draw {
  if (key === "logit_scale") return constant(config.init_logit_scale ?? Math.log(1 / 0.07));
  if (key === "logit_bias") return constant(config.init_logit_bias ?? 0);
  const norm = /(running_(mean|var)|\b(ln(_\w+)?|bn\d|downsample\.1)\.(weight|bias))$/.test(key);
  // the last normalisation of a residual block starts at zero: each block starts as the identity
  if (norm) return constant(/(mean|bias)$|layer\d.*\.bn3\.weight$/.test(key) ? 0 : 1);
  const tower = key.startsWith("visual.") ? config.vision_cfg : config.text_cfg;
  if (key.endsWith("head_scale")) return constant(1);
  if (key.endsWith("gamma")) return constant(tower.ls_init_value ?? 1);
  if (/(in_proj_bias|text_projection\.bias)$/.test(key)) return constant(0);
  // PyTorch's own attention starts this bias at zero; that of open_clip's custom blocks is a linear layer's
  const isCustom = key.includes("resblocks") && hasCustomBlocks(tower);
  if (key.endsWith("out_proj.bias") && !isCustom) return constant(0);
  const special = key.startsWith("visual.") ? visualDraw(key, entry, config) : textDraw(key, config.text_cfg);
  return special ?? uniform(1 / Math.sqrt(fanIn(key, shapes)));
}

/** The image tower's values; null where PyTorch's default stays. */
function visualDraw(key: string, entry: StateEntry, config: ModelConfig): Draw | null {
  const vision = config.vision_cfg;
  const { width } = vision;
  if (key === "visual.positional_embedding" && vision.pos_embed_type === "sin_cos_2d") {
    return { kind: "sinCos" };
  }
  if (/^visual\.(class_embedding|positional_embedding|proj)$/.test(key)) return normal(width ** -0.5);
  if (key.startsWith("visual.attnpool.") && !key.endsWith(".bias")) return normal((width * 32) ** -0.5);
  if (key === "visual.attn_pool.query") return normal(1);
  if (key.includes("resblocks") && key.endsWith("in_proj_weight") && hasCustomBlocks(vision)) {
    return normal((width / visionHeads(vision)) ** -0.5);
  }
  // Xavier, for the three projections as one matrix where they are one
  if (/(in|[qkv])_proj_weight$/.test(key)) return uniform(Math.sqrt(6 / (entry.shape[0]! + entry.shape[1]!)));
  return null;
}

/** OpenAI's values of the text tower; null where PyTorch's default stays. */
function textDraw(key: string, text: TextConfig): Draw | null {
  const { width, layers } = text;
  if (key.endsWith("token_embedding.weight")) return normal(0.02);
  if (/(positional_embedding|cls_emb)$/.test(key)) return normal(0.01);
  if (/(text_projection(\.weight)?|in_proj_weight)$/.test(key)) return normal(width ** -0.5);
  if (/(out_proj|c_proj)\.weight$/.test(key)) return normal(width ** -0.5 * (2 * layers) ** -0.5);
  if (key.endsWith("c_fc.weight")) return normal((2 * width) ** -0.5);
  return null;
}

/** Inputs of each output of the layer that a weight or bias belongs to. */
function fanIn(key: string, shapes: ReadonlyMap<string, StateEntry>): number {
  const weight = shapes.get(key.replace(/bias$/, "weight"))!;
  return weight.shape.slice(1).reduce((product, side) => product * side, 1);
}

/** Sines and cosines of a patch's column (first half) and row (second half); the class token's are zero. */
function fillSinCos(data: Float32Array, config: ModelConfig): void {
  const { width } = config.vision_cfg;
  const [rows, columns] = patchGrid(config.vision_cfg);
  const quarter = width / 4;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = (1 + row * columns + column) * width;
      for (let i = 0; i < quarter; i++) {
        const frequency = 10000 ** (-i / quarter);
        data[at + i] = Math.sin(column * frequency);
        data[at + quarter + i] = Math.cos(column * frequency);
        data[at + 2 * quarter + i] = Math.sin(row * frequency);
        data[at + 3 * quarter + i] = Math.cos(row * frequency);
      }
    }
  }
}

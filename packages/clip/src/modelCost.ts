import { engineShape } from "./layout.js";
import {
  attentionalPool,
  hiddenWidth,
  imageSize,
  patchGrid,
  textTokens,
  visionHeads,
  type ModelConfig,
} from "./modelConfig.js";
import { modelSize } from "./modelSize.js";
import { stateShapes } from "./stateShapes.js";

/** What a model takes to hold, run and train. */
export interface ModelCost {
  readonly parameters: number;
  readonly imageParameters: number;
  readonly textParameters: number;
  /**
   * Floating-point operations of one image and one text forward, all tokens through all layers as the field counts them
   * (we compute fewer); a multiplication and its addition count as two.
   */
  readonly forwardFlops: number;
  readonly imageFlops: number;
  readonly textFlops: number;
  /** float32 bytes of parameters and buffers. */
  readonly stateBytes: number;
  /** float32 bytes that the forward pass of one sample keeps for the backward pass. */
  readonly keptBytes: number;
  /** The same where transformer blocks keep their inputs alone and are computed again, one at a time. */
  readonly recomputedBytes: number;
  /** float32 bytes that the largest transformer block keeps of one sample. */
  readonly blockBytes: number;
  /** Bytes of weights, gradients, both moments of Adam, and of what the forward pass keeps for the backward pass. */
  readonly trainingBytes: (batch: number) => number;
}

/** Operations, and numbers kept for the backward pass, of one sample in one tower. */
interface TowerCost {
  flops: number;
  kept: number;
  /** Where blocks are computed again. */
  recomputed: number;
  /** Of one block, the largest. */
  block: number;
}

/** Counts a model's cost from its config; allocates no weights. */
export function modelCost(config: ModelConfig): ModelCost {
  const { vision_cfg: vision, text_cfg: text, embed_dim: embedDim } = config;
  const { parameters, imageParameters, numbers } = modelSize(config);
  const image = typeof vision.layers === "number" ? visionTransformerCost(config) : resnetCost(config);
  const words = transformerCost(text, text.layers, textTokens(text), text.heads, text.embed_cls !== true);
  words.flops += text.proj_type === "linear" ? 2 * text.width * embedDim : 0;
  words.kept += 2 * textTokens(text) * text.width;
  words.recomputed += 2 * textTokens(text) * text.width;
  const keptBytes = 4 * (image.kept + words.kept);
  return {
    parameters,
    imageParameters,
    textParameters: parameters - imageParameters,
    forwardFlops: image.flops + words.flops,
    imageFlops: image.flops,
    textFlops: words.flops,
    stateBytes: 4 * numbers,
    keptBytes,
    recomputedBytes: 4 * (image.recomputed + words.recomputed),
    blockBytes: 4 * Math.max(image.block, words.block),
    trainingBytes: (batch) => 16 * parameters + batch * keptBytes + 3 * 4 * batch * batch,
  };
}

function transformerCost(
  tower: { width: number; mlp_ratio: number },
  layers: number,
  tokens: number,
  heads: number,
  pooled: boolean,
): TowerCost {
  const { width } = tower;
  const hidden = hiddenWidth(tower);
  const matrices = 4 * width * width + 2 * width * hidden;
  const flops = 2 * tokens * matrices + 4 * tokens * tokens * width;
  // two norms and what they feed, queries, keys, values, their mix before and after turning; the perceptron's input, gate and output
  const kept = tokens * (9 * width + 3 * hidden) + heads * tokens * tokens;
  // of the last block's tokens only keys and values are needed, and what they come from, where one token is pooled
  const last = pooled ? 4 * tokens * width + (5 * width + 3 * hidden) + heads * tokens : kept;
  return {
    flops: layers * flops,
    kept: (layers - 1) * kept + last,
    recomputed: kept + layers * tokens * width,
    block: kept,
  };
}

function visionTransformerCost(config: ModelConfig): TowerCost {
  const vision = config.vision_cfg;
  const [rows, columns] = patchGrid(vision);
  const patches = rows * columns;
  const patch = vision.patch_size ?? 16;
  const pool = attentionalPool(vision);
  const cost = transformerCost(
    vision,
    vision.layers as number,
    patches + 1,
    visionHeads(vision),
    vision.pool_type === "tok" && pool === null,
  );
  const { width } = vision;
  const embedDim = config.embed_dim;
  cost.flops += 2 * patches * patch * patch * 3 * width + 2 * (pool === null ? width : embedDim) * embedDim;
  if (pool !== null) {
    const queries = vision.pool_type === "avg" ? pool.queries - 1 : 1;
    const tokens = patches + 1;
    // the queries are the same for all samples: their projection is left out
    cost.flops +=
      4 * tokens * width * embedDim + 4 * queries * tokens * embedDim + 2 * queries * embedDim ** 2;
    const kept = tokens * (2 * width + 4 * embedDim) + queries * (4 * embedDim + pool.heads * tokens);
    cost.kept += kept;
    cost.recomputed += kept;
  }
  const embedded = 2 * patches * patch * patch * 3 + 2 * (patches + 1) * width;
  cost.kept += embedded;
  cost.recomputed += embedded;
  return cost;
}

/** Side of the map that each convolution writes, by its key: half after the first, a quarter after the stem, and so on. */
function resnetCost(config: ModelConfig): TowerCost {
  const vision = config.vision_cfg;
  const half = Math.ceil(imageSize(vision)[0] / 2);
  const cost: TowerCost = { flops: 0, kept: 0, recomputed: 0, block: 0 };
  for (const [key, entry] of stateShapes(config)) {
    if (!key.startsWith("visual.") || entry.layout !== "convolution") continue;
    const [high, wide, inputs, outputs] = engineShape(entry) as [number, number, number, number];
    const stage = /layer(\d)/.exec(key);
    let side = half;
    if (stage !== null) {
      const level = Number(stage[1]);
      side = Math.floor(half / 2 ** level);
      // the first block of a stage pools after its second convolution
      if (level > 1 && /\.0\.conv[12]\.weight$/.test(key)) side = Math.floor(half / 2 ** (level - 1));
    }
    cost.flops += 2 * side * side * high * wide * inputs * outputs;
    // the convolution's output, its norm and the rectified norm
    cost.kept += 3 * side * side * outputs;
  }
  const channels = vision.width * 32;
  const tokens = Math.floor(half / 16) ** 2 + 1;
  const { embed_dim: embedDim } = config;
  cost.flops += 2 * channels * (channels + 2 * tokens * channels + embedDim) + 4 * tokens * channels;
  cost.kept += 6 * tokens * channels;
  // its blocks are never computed again
  cost.recomputed = cost.kept;
  return cost;
}

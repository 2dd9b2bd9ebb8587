import {
  attentionalPool,
  hiddenWidth,
  patchGrid,
  textTokens,
  visionHeads,
  type ModelConfig,
  type TextConfig,
  type VisionConfig,
} from "./modelConfig.js";
import { resnetGrid } from "./resnetGrid.js";

/**
 * How a tensor of the state dict is turned for TF.js: a convolution from [out, in, high, wide] to [high, wide, in, out],
 * a linear layer from [out, in] to [in, out]; all others stay.
 */
export type TensorLayout = "convolution" | "linear" | "plain";

/** One entry of the state dict, in PyTorch's layout. */
export interface StateEntry {
  readonly shape: readonly number[];
  readonly kind: "parameter" | "buffer";
  readonly dtype: "float32" | "int64";
  readonly layout: TensorLayout;
  /** A parameter that is never trained: positions by sines and cosines. */
  readonly fixed?: true;
}

export type StateShapes = ReadonlyMap<string, StateEntry>;

/** Collects entries under a prefix, in the order in which PyTorch lists them. */
class Scope {
  constructor(
    private readonly entries: Map<string, StateEntry>,
    private readonly prefix = "",
  ) {}

  in(name: string): Scope {
    return new Scope(this.entries, `${this.prefix}${name}.`);
  }

  parameter(name: string, shape: number[], layout: TensorLayout = "plain"): void {
    this.entries.set(this.prefix + name, { shape, kind: "parameter", dtype: "float32", layout });
  }

  fixedParameter(name: string, shape: number[]): void {
    const entry = { shape, kind: "parameter", dtype: "float32", layout: "plain", fixed: true } as const;
    this.entries.set(this.prefix + name, entry);
  }

  linear(name: string, inputs: number, outputs: number): void {
    this.parameter(`${name}.weight`, [outputs, inputs], "linear");
    this.parameter(`${name}.bias`, [outputs]);
  }

  layerNorm(name: string, width: number): void {
    this.parameter(`${name}.weight`, [width]);
    this.parameter(`${name}.bias`, [width]);
  }

  convolution(name: string, inputs: number, outputs: number, side: number): void {
    this.parameter(`${name}.weight`, [outputs, inputs, side, side], "convolution");
  }

  batchNorm(name: string, channels: number): void {
    this.layerNorm(name, channels);
    const buffer = { kind: "buffer", layout: "plain" } as const;
    this.entries.set(`${this.prefix}${name}.running_mean`, {
      shape: [channels],
      dtype: "float32",
      ...buffer,
    });
    this.entries.set(`${this.prefix}${name}.running_var`, { shape: [channels], dtype: "float32", ...buffer });
    this.entries.set(`${this.prefix}${name}.num_batches_tracked`, { shape: [], dtype: "int64", ...buffer });
  }
}

/** Every tensor of a model's state dict, named, ordered and shaped as open_clip's. Allocates no weights. */
export function stateShapes(config: ModelConfig): Map<string, StateEntry> {
  const entries = new Map<string, StateEntry>();
  const root = new Scope(entries);
  const text = config.text_cfg;
  const ownScope = config.custom_text === true;
  // PyTorch lists a module's own parameters before its parts: those of a text tower without a scope are the model's
  if (!ownScope) textParameters(root, text, config.embed_dim);
  root.parameter("logit_scale", []);
  if (typeof config.init_logit_bias === "number") root.parameter("logit_bias", []);
  const visual = root.in("visual");
  if (typeof config.vision_cfg.layers === "number") {
    visionTransformer(visual, config.vision_cfg, config.vision_cfg.layers, config.embed_dim);
  } else modifiedResNet(visual, config.vision_cfg, config.vision_cfg.layers, config.embed_dim);
  if (ownScope) {
    const scope = root.in("text");
    textParameters(scope, text, config.embed_dim);
    scope.parameter("token_embedding.weight", [text.vocab_size, text.width]);
    resblocks(scope.in("transformer"), text, text.layers, text.heads);
    textTop(scope, text, config.embed_dim);
  } else {
    resblocks(root.in("transformer"), text, text.layers, text.heads);
    root.parameter("token_embedding.weight", [text.vocab_size, text.width]);
    textTop(root, text, config.embed_dim);
  }
  return entries;
}

function textParameters(scope: Scope, text: TextConfig, embedDim: number): void {
  if (text.embed_cls === true) scope.parameter("cls_emb", [text.width]);
  scope.parameter("positional_embedding", [textTokens(text), text.width]);
  if (text.proj_type === "linear" && !text.proj_bias) {
    scope.parameter("text_projection", [text.width, embedDim]);
  }
}

function textTop(scope: Scope, text: TextConfig, embedDim: number): void {
  scope.layerNorm("ln_final", text.width);
  if (text.proj_type === "linear" && text.proj_bias) scope.linear("text_projection", text.width, embedDim);
}

function resblocks(
  transformer: Scope,
  tower: VisionConfig | TextConfig,
  layers: number,
  heads: number,
): void {
  const { width } = tower;
  const scaled = typeof tower.ls_init_value === "number";
  const hidden = hiddenWidth(tower);
  const { qk_norm, scale_heads, scale_attn_inner, scale_attn, scale_fc } = tower;
  for (let layer = 0; layer < layers; layer++) {
    const block = transformer.in("resblocks").in(String(layer));
    block.layerNorm("ln_1", width);
    block.parameter("attn.in_proj_weight", [3 * width, width], "linear");
    block.parameter("attn.in_proj_bias", [3 * width]);
    if (scale_heads === true) block.parameter("attn.head_scale", [heads, 1, 1]);
    if (qk_norm === true) {
      block.layerNorm("attn.ln_q", width / heads);
      block.layerNorm("attn.ln_k", width / heads);
    }
    if (scale_attn_inner === true) block.layerNorm("attn.ln_inner", width);
    block.linear("attn.out_proj", width, width);
    if (scale_attn === true) block.layerNorm("ln_attn", width);
    if (scaled) block.parameter("ls_1.gamma", [width]);
    block.layerNorm("ln_2", width);
    block.linear("mlp.c_fc", width, hidden);
    if (scale_fc === true) block.layerNorm("mlp.ln", hidden);
    block.linear("mlp.c_proj", hidden, width);
    if (scaled) block.parameter("ls_2.gamma", [width]);
  }
}

function visionTransformer(visual: Scope, vision: VisionConfig, layers: number, embedDim: number): void {
  const [rows, columns] = patchGrid(vision);
  const { width } = vision;
  const pool = attentionalPool(vision);
  const pooledWidth = pool === null ? width : embedDim;
  visual.parameter("class_embedding", [width]);
  const positions = [rows * columns + 1, width];
  if (vision.pos_embed_type === "sin_cos_2d") visual.fixedParameter("positional_embedding", positions);
  else visual.parameter("positional_embedding", positions);
  visual.parameter("proj", [pooledWidth, embedDim]);
  visual.convolution("conv1", 3, width, vision.patch_size ?? 16);
  if (!vision.no_ln_pre) visual.layerNorm("ln_pre", width);
  resblocks(visual.in("transformer"), vision, layers, visionHeads(vision));
  if (pool !== null) poolByAttention(visual.in("attn_pool"), pool.queries, width, embedDim);
  visual.layerNorm("ln_post", pooledWidth);
}

function poolByAttention(pool: Scope, queries: number, width: number, embedDim: number): void {
  pool.parameter("query", [queries, embedDim]);
  if (width === embedDim) pool.parameter("attn.in_proj_weight", [3 * embedDim, embedDim], "linear");
  else {
    // PyTorch keeps the projections apart where keys are of another width than queries
    pool.parameter("attn.q_proj_weight", [embedDim, embedDim], "linear");
    pool.parameter("attn.k_proj_weight", [embedDim, width], "linear");
    pool.parameter("attn.v_proj_weight", [embedDim, width], "linear");
  }
  pool.parameter("attn.in_proj_bias", [3 * embedDim]);
  pool.linear("attn.out_proj", embedDim, embedDim);
  pool.layerNorm("ln_q", embedDim);
  pool.layerNorm("ln_k", width);
}

function modifiedResNet(
  visual: Scope,
  vision: VisionConfig,
  layers: readonly number[],
  embedDim: number,
): void {
  const { width } = vision;
  const half = Math.floor(width / 2);
  visual.convolution("conv1", 3, half, 3);
  visual.batchNorm("bn1", half);
  visual.convolution("conv2", half, half, 3);
  visual.batchNorm("bn2", half);
  visual.convolution("conv3", half, width, 3);
  visual.batchNorm("bn3", width);
  let channels = width;
  layers.forEach((blocks, stage) => {
    const planes = width * 2 ** stage;
    for (let index = 0; index < blocks; index++) {
      const block = visual.in(`layer${stage + 1}`).in(String(index));
      block.convolution("conv1", channels, planes, 1);
      block.batchNorm("bn1", planes);
      block.convolution("conv2", planes, planes, 3);
      block.batchNorm("bn2", planes);
      block.convolution("conv3", planes, planes * 4, 1);
      block.batchNorm("bn3", planes * 4);
      if (index === 0) {
        block.convolution("downsample.0", channels, planes * 4, 1);
        block.batchNorm("downsample.1", planes * 4);
      }
      channels = planes * 4;
    }
  });
  const pool = visual.in("attnpool");
  const grid = resnetGrid(vision.image_size as number);
  pool.parameter("positional_embedding", [grid * grid + 1, channels]);
  pool.linear("k_proj", channels, channels);
  pool.linear("q_proj", channels, channels);
  pool.linear("v_proj", channels, channels);
  pool.linear("c_proj", channels, embedDim);
}

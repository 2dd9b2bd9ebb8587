import { patchGrid, type ModelConfig, type TextConfig, type VisionConfig } from "./modelConfig.js";
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
  root.parameter("positional_embedding", [text.context_length, text.width]);
  const projected = text.proj_type === "linear";
  if (projected && !text.proj_bias) root.parameter("text_projection", [text.width, config.embed_dim]);
  root.parameter("logit_scale", []);
  if (typeof config.init_logit_bias === "number") root.parameter("logit_bias", []);
  const visual = root.in("visual");
  if (typeof config.vision_cfg.layers === "number") {
    visionTransformer(visual, config.vision_cfg, config.vision_cfg.layers, config.embed_dim);
  } else modifiedResNet(visual, config.vision_cfg, config.vision_cfg.layers, config.embed_dim);
  resblocks(root.in("transformer"), text, text.layers);
  root.parameter("token_embedding.weight", [text.vocab_size, text.width]);
  root.layerNorm("ln_final", text.width);
  if (projected && text.proj_bias) root.linear("text_projection", text.width, config.embed_dim);
  return entries;
}

function resblocks(transformer: Scope, tower: VisionConfig | TextConfig, layers: number): void {
  const { width } = tower;
  const scaled = typeof tower.ls_init_value === "number";
  const hidden = Math.trunc(width * tower.mlp_ratio);
  for (let layer = 0; layer < layers; layer++) {
    const block = transformer.in("resblocks").in(String(layer));
    block.layerNorm("ln_1", width);
    block.parameter("attn.in_proj_weight", [3 * width, width], "linear");
    block.parameter("attn.in_proj_bias", [3 * width]);
    block.linear("attn.out_proj", width, width);
    if (scaled) block.parameter("ls_1.gamma", [width]);
    block.layerNorm("ln_2", width);
    block.linear("mlp.c_fc", width, hidden);
    block.linear("mlp.c_proj", hidden, width);
    if (scaled) block.parameter("ls_2.gamma", [width]);
  }
}

function visionTransformer(visual: Scope, vision: VisionConfig, layers: number, embedDim: number): void {
  const [rows, columns] = patchGrid(vision);
  const { width } = vision;
  visual.parameter("class_embedding", [width]);
  const positions = [rows * columns + 1, width];
  if (vision.pos_embed_type === "sin_cos_2d") visual.fixedParameter("positional_embedding", positions);
  else visual.parameter("positional_embedding", positions);
  visual.parameter("proj", [width, embedDim]);
  visual.convolution("conv1", 3, width, vision.patch_size ?? 16);
  if (!vision.no_ln_pre) visual.layerNorm("ln_pre", width);
  resblocks(visual.in("transformer"), vision, layers);
  visual.layerNorm("ln_post", width);
}

function modifiedResNet(
  visual: Scope,
  vision: VisionConfig,
  layers: readonly number[],
  embedDim: number,
): void {
  const { width } = vision;
  visual.convolution("conv1", 3, width / 2, 3);
  visual.batchNorm("bn1", width / 2);
  visual.convolution("conv2", width / 2, width / 2, 3);
  visual.batchNorm("bn2", width / 2);
  visual.convolution("conv3", width / 2, width, 3);
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

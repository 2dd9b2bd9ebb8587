import type { ModelConfig } from "../modelConfig.js";
import { ModelConfigError, parseModelConfig } from "../parseModelConfig.js";
import { CheckpointError } from "./checkpointError.js";
import { ratio } from "./huggingFace/fromHuggingFaceConfig.js";
import type { TensorFile } from "./safetensors.js";
import { lookOf } from "./weightLayout.js";

/** OpenAI's models have heads of this width in both towers. */
const headWidth = 64;

/**
 * A model's config from its tensors' shapes, as OpenAI's `build_model` infers it: heads of width 64 are assumed, since no
 * shape tells of them, and square images.
 *
 * @param tensors in open_clip's layout
 * @param quickGelu the nonlinearity, which no shape tells of either
 * @throws CheckpointError "checkpoint_model_unknown" where the shapes are those of no such model
 */
export function inferModelConfig(tensors: TensorFile, quickGelu: boolean): ModelConfig {
  const shapes = new Shapes(tensors);
  try {
    return parseModelConfig(
      {
        embed_dim: embedDim(shapes),
        quick_gelu: quickGelu,
        ...(shapes.has("logit_bias") ? { init_logit_bias: -10 } : {}),
        vision_cfg: shapes.has("visual.layer1.0.conv1.weight") ? resnet(shapes) : visionTransformer(shapes),
        text_cfg: textTransformer(shapes),
      },
      "inferred",
    );
  } catch (error) {
    if (!(error instanceof ModelConfigError)) throw error;
    throw unknown(error.message, error);
  }
}

function embedDim(shapes: Shapes): number {
  if (shapes.has("text_projection")) return shapes.side("text_projection", 1);
  if (shapes.has("text_projection.weight")) return shapes.side("text_projection.weight", 0);
  return shapes.side("ln_final.weight", 0);
}

function visionTransformer(shapes: Shapes): object {
  const width = shapes.side("visual.conv1.weight", 0);
  const patch = shapes.side("visual.conv1.weight", 3);
  return {
    image_size: patch * shapes.gridOf("visual.positional_embedding"),
    patch_size: patch,
    width,
    head_width: headWidth,
    no_ln_pre: !shapes.has("visual.ln_pre.weight"),
    ...blocks(shapes, "visual.transformer.resblocks.", width),
  };
}

function resnet(shapes: Shapes): object {
  return {
    image_size: 32 * shapes.gridOf("visual.attnpool.positional_embedding"),
    layers: [1, 2, 3, 4].map((stage) => shapes.count(`visual.layer${stage}.`)),
    width: shapes.side("visual.layer1.0.conv1.weight", 0),
    head_width: headWidth,
  };
}

function textTransformer(shapes: Shapes): object {
  const width = shapes.side("ln_final.weight", 0);
  return {
    context_length: shapes.side("positional_embedding", 0),
    vocab_size: shapes.side("token_embedding.weight", 0),
    width,
    heads: Math.max(1, Math.floor(width / headWidth)),
    ...(shapes.has("text_projection") ? {} : { proj_bias: shapes.has("text_projection.weight") }),
    ...(shapes.has("text_projection") || shapes.has("text_projection.weight") ? {} : { proj_type: "none" }),
    ...blocks(shapes, "transformer.resblocks.", width),
  };
}

function blocks(shapes: Shapes, prefix: string, width: number): object {
  const hidden = shapes.side(`${prefix}0.mlp.c_fc.weight`, 0);
  return {
    layers: shapes.count(prefix),
    ...(hidden === 4 * width ? {} : { mlp_ratio: ratio(hidden, width) }),
    ...(shapes.has(`${prefix}0.ls_1.gamma`) ? { ls_init_value: 1e-5 } : {}),
  };
}

/** Shapes by name, of a text tower with or without the prefix "text.". */
class Shapes {
  private readonly names: ReadonlySet<string>;

  constructor(private readonly tensors: TensorFile) {
    this.names = new Set([...tensors.keys()].map((name) => name.replace(/^text\./, "")));
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  side(name: string, axis: number): number {
    const side = (this.tensors.get(name) ?? this.tensors.get(`text.${name}`))?.shape[axis];
    if (side === undefined || side < 1)
      throw unknown(`\`${name}\` doesn't say; ${lookOf(this.tensors.keys())}`);
    return side;
  }

  /** How many numbers follow a prefix. */
  count(prefix: string): number {
    const numbers = [...this.names].flatMap((name) =>
      name.startsWith(prefix) ? [name.slice(prefix.length).split(".")[0]!] : [],
    );
    return new Set(numbers).size;
  }

  /** Side of the square of places that a table of positions stands for, beside one more. */
  gridOf(name: string): number {
    const places = this.side(name, 0) - 1;
    const side = Math.round(Math.sqrt(places));
    if (side * side !== places) throw unknown(`\`${name}\` has ${places} places beside the first, no square`);
    return side;
  }
}

function unknown(problem: string, cause?: unknown): CheckpointError {
  return new CheckpointError(
    "checkpoint_model_unknown",
    `The model can't be told from its tensors: ${problem}`,
    {
      hint: "Name its config with --model: a model's name, or a JSON file in open_clip's schema.",
      cause,
    },
  );
}

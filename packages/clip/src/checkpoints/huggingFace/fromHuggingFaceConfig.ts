import { endOfText, vocabularySize } from "@pairloom/tokenizer";
import { z } from "zod";
import type { ModelConfig } from "../../modelConfig.js";
import { ModelConfigError, parseModelConfig } from "../../parseModelConfig.js";
import { legacyEndOfText } from "./huggingFaceConfig.js";

const count = z.int().min(1);
const tower = z.looseObject({
  hidden_size: count.optional(),
  intermediate_size: count.optional(),
  num_hidden_layers: count.optional(),
  num_attention_heads: count.optional(),
  hidden_act: z.string().default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
});
const huggingFaceSchema = z.looseObject({
  model_type: z.literal("clip"),
  projection_dim: count.default(512),
  text_config: tower.extend({
    max_position_embeddings: count.default(77),
    vocab_size: count.default(vocabularySize),
    eos_token_id: z.int().default(endOfText),
  }),
  vision_config: tower.extend({ image_size: count.default(224), patch_size: count.default(32) }),
});

/**
 * A model's config from transformers' `config.json`; fields that it leaves out have CLIPConfig's defaults.
 *
 * @param name for messages only
 * @throws ModelConfigError naming the field
 */
export function fromHuggingFaceConfig(value: Readonly<Record<string, unknown>>, name: string): ModelConfig {
  const parsed = huggingFaceSchema.safeParse({
    ...value,
    // the older of two spellings wins where both are there
    text_config: { ...asObject(value["text_config"]), ...asObject(value["text_config_dict"]) },
    vision_config: { ...asObject(value["vision_config"]), ...asObject(value["vision_config_dict"]) },
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ModelConfigError(
      issue!.path.join("."),
      `${issue!.message}; only CLIP's models of transformers are read`,
      name,
      parsed.error,
    );
  }
  const { text_config: text, vision_config: vision, projection_dim: embedDim } = parsed.data;
  const textWidth = text.hidden_size ?? 512;
  const visionWidth = vision.hidden_size ?? 768;
  const isQuick = text.hidden_act === "quick_gelu";
  if (isQuick !== (vision.hidden_act === "quick_gelu")) {
    throw new ModelConfigError(
      "vision_config.hidden_act",
      `"${vision.hidden_act}", while the text tower's is "${text.hidden_act}"; one of the two is wanted for both`,
      name,
    );
  }
  const isHighest =
    text.eos_token_id === legacyEndOfText ||
    (text.eos_token_id === endOfText && text.vocab_size === vocabularySize);
  return parseModelConfig(
    {
      embed_dim: embedDim,
      quick_gelu: isQuick,
      vision_cfg: {
        image_size: vision.image_size,
        patch_size: vision.patch_size,
        layers: vision.num_hidden_layers ?? 12,
        width: visionWidth,
        head_width: visionWidth / (vision.num_attention_heads ?? 12),
        mlp_ratio: ratio(vision.intermediate_size ?? 3072, visionWidth),
        ...activation("vision_config", vision, name),
      },
      text_cfg: {
        context_length: text.max_position_embeddings,
        vocab_size: text.vocab_size,
        layers: text.num_hidden_layers ?? 12,
        width: textWidth,
        heads: text.num_attention_heads ?? 8,
        mlp_ratio: ratio(text.intermediate_size ?? 2048, textWidth),
        ...(isHighest ? {} : { pool_type: "eos", eos_id: text.eos_token_id }),
        ...activation("text_config", text, name),
      },
    },
    name,
  );
}

function activation(
  field: string,
  { hidden_act, layer_norm_eps }: z.infer<typeof tower>,
  name: string,
): object {
  const kwargs: Record<string, object> = {
    quick_gelu: {},
    gelu: {},
    gelu_pytorch_tanh: { act_kwargs: { approximate: "tanh" } },
    gelu_new: { act_kwargs: { approximate: "tanh" } },
  };
  const found = Object.hasOwn(kwargs, hidden_act) ? kwargs[hidden_act] : undefined;
  if (found === undefined) {
    throw new ModelConfigError(
      `${field}.hidden_act`,
      `expected ${Object.keys(kwargs).join(", ")}, got "${hidden_act}"`,
      name,
    );
  }
  return { ...found, ...(layer_norm_eps === 1e-5 ? {} : { norm_kwargs: { eps: layer_norm_eps } }) };
}

/** The ratio whose product with the width, cut to a whole number, is the hidden width. */
export function ratio(hidden: number, width: number): number {
  const exact = hidden / width;
  return Math.trunc(width * exact) === hidden ? exact : (hidden + 0.5) / width;
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}

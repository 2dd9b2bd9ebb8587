import { UserError } from "@pairloom/config";
import { z } from "zod";
import { resnetGrid } from "./resnetGrid.js";

const positive = z.int().min(1);
const normArguments = z.strictObject({ eps: z.number().positive().optional() });
const activationArguments = z.strictObject({ approximate: z.enum(["none", "tanh"]).optional() });

/** The image tower: `layers` is a number for a vision transformer, four numbers for a ModifiedResNet. */
const visionConfig = z.strictObject({
  image_size: z.union([positive, z.tuple([positive, positive])]).default(224),
  layers: z.union([positive, z.tuple([positive, positive, positive, positive])]).default(12),
  width: positive.default(768),
  head_width: positive.default(64),
  patch_size: positive.nullish(),
  mlp_ratio: z.number().positive().default(4),
  ls_init_value: z.number().nullish(),
  patch_dropout: z.literal(0).optional(),
  no_ln_pre: z.boolean().default(false),
  pos_embed_type: z.enum(["learnable", "sin_cos_2d"]).default("learnable"),
  final_ln_after_pool: z.boolean().default(false),
  pool_type: z.enum(["tok", "avg"]).default("tok"),
  output_tokens: z.literal(false).optional(),
  attentional_pool: z.literal(false).optional(),
  norm_kwargs: normArguments.nullish(),
  act_kwargs: activationArguments.nullish(),
});

const textConfig = z.strictObject({
  context_length: positive.default(77),
  vocab_size: positive.default(49408),
  width: positive.default(512),
  heads: positive.default(8),
  layers: positive.default(12),
  mlp_ratio: z.number().positive().default(4),
  ls_init_value: z.number().nullish(),
  pad_id: z.int().min(0).default(0),
  eos_id: z.int().min(0).default(2),
  no_causal_mask: z.boolean().default(false),
  pool_type: z.enum(["argmax", "first", "last", "eos"]).default("argmax"),
  proj_bias: z.boolean().default(false),
  proj_type: z.enum(["linear", "none"]).default("linear"),
  embed_cls: z.literal(false).optional(),
  output_tokens: z.literal(false).optional(),
  norm_kwargs: normArguments.nullish(),
  act_kwargs: activationArguments.nullish(),
  /** Which tokenizer the model was made for; not ours to run, kept for the record. */
  hf_tokenizer_name: z.string().nullish(),
  tokenizer_mode: z.string().nullish(),
  tokenizer_kwargs: z.record(z.string(), z.unknown()).nullish(),
});

/** A CLIP model in open_clip's schema. */
export const modelConfigSchema = z.strictObject({
  embed_dim: positive,
  vision_cfg: visionConfig,
  text_cfg: textConfig,
  quick_gelu: z.boolean().default(false),
  init_logit_scale: z.number().optional(),
  /** Present for SigLIP's loss: adds the parameter `logit_bias`. */
  init_logit_bias: z.number().nullish(),
});

export type ModelConfig = z.infer<typeof modelConfigSchema>;
export type VisionConfig = ModelConfig["vision_cfg"];
export type TextConfig = ModelConfig["text_cfg"];

/** Says which field of a model config is wrong and why. */
export class ModelConfigError extends UserError {
  constructor(field: string, problem: string, name: string, cause?: unknown) {
    super("model_config_invalid", `Model config ${name}: \`${field}\`: ${problem}`, {
      hint: "A model is a JSON file in open_clip's schema: embed_dim, vision_cfg, text_cfg, quick_gelu.",
      cause,
    });
    this.name = "ModelConfigError";
  }
}

/**
 * Checks a model config and fills in open_clip's defaults.
 *
 * @param name for messages only
 * @throws ModelConfigError naming the field
 */
export function parseModelConfig(value: unknown, name = "given"): ModelConfig {
  const parsed = modelConfigSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const path = issue?.path.join(".") ?? "";
    const unknown = issue?.code === "unrecognized_keys" ? issue.keys.join(", ") : null;
    const field = unknown === null ? path : [path, unknown].filter((part) => part !== "").join(".");
    const problem = unknown === null ? (issue?.message ?? "invalid") : "not a field this program knows";
    throw new ModelConfigError(field === "" ? "(whole file)" : field, problem, name, parsed.error);
  }
  checkAgreement(parsed.data, name);
  return parsed.data;
}

/** What the schema alone can't see: widths that heads don't divide, images smaller than a patch. */
function checkAgreement(config: ModelConfig, name: string): void {
  const { vision_cfg: vision, text_cfg: text } = config;
  const fail = (field: string, problem: string): never => {
    throw new ModelConfigError(field, problem, name);
  };
  if (text.width % text.heads !== 0) {
    fail("text_cfg.heads", `must divide text_cfg.width ${text.width}, got ${text.heads}`);
  }
  if (text.proj_type === "none" && text.width !== config.embed_dim) {
    fail(
      "text_cfg.proj_type",
      `"none" needs text_cfg.width ${text.width} to equal embed_dim ${config.embed_dim}`,
    );
  }
  if (typeof vision.layers === "number") {
    if (vision.patch_size === null || vision.patch_size === undefined) vision.patch_size = 16;
    const [height, width] = imageSize(vision);
    if (vision.patch_size > Math.min(height, width)) {
      fail("vision_cfg.patch_size", `${vision.patch_size} is larger than the image, ${height}×${width}`);
    }
    if (vision.width % vision.head_width !== 0) {
      fail("vision_cfg.head_width", `must divide vision_cfg.width ${vision.width}, got ${vision.head_width}`);
    }
    if (vision.pos_embed_type === "sin_cos_2d" && (height !== width || vision.width % 4 !== 0)) {
      fail("vision_cfg.pos_embed_type", "sin_cos_2d needs a square image and a width divisible by 4");
    }
  } else {
    if (typeof vision.image_size !== "number") {
      fail("vision_cfg.image_size", "must be one number for a ResNet");
    }
    const size = imageSize(vision)[0];
    const grid = resnetGrid(size);
    if (grid < 1 || grid !== Math.floor(size / 32)) {
      fail("vision_cfg.image_size", `must be a multiple of 32 for a ResNet, got ${size}`);
    }
    const poolWidth = vision.width * 32;
    const heads = Math.floor(poolWidth / vision.head_width);
    if (vision.width % 2 !== 0) fail("vision_cfg.width", `must be even for a ResNet, got ${vision.width}`);
    if (heads < 1 || poolWidth % heads !== 0) {
      fail("vision_cfg.head_width", `must divide 32 × vision_cfg.width = ${poolWidth}`);
    }
  }
}

/** Height and width of the images that the tower takes. */
export function imageSize(vision: VisionConfig): [height: number, width: number] {
  return typeof vision.image_size === "number" ? [vision.image_size, vision.image_size] : vision.image_size;
}

/** Heads of the vision transformer's attention, or of the ResNet's attention pool. */
export function visionHeads(vision: VisionConfig): number {
  const width = typeof vision.layers === "number" ? vision.width : vision.width * 32;
  return Math.floor(width / vision.head_width);
}

/** Rows and columns of the vision transformer's patches. */
export function patchGrid(vision: VisionConfig): [rows: number, columns: number] {
  const [height, width] = imageSize(vision);
  const patch = vision.patch_size ?? 16;
  return [Math.floor(height / patch), Math.floor(width / patch)];
}

import { endOfText, vocabularySize } from "@pairloom/tokenizer";
import { epsilonOf, hiddenWidth, type ModelConfig, visionHeads } from "../../modelConfig.js";
import { CheckpointError } from "../checkpointError.js";
import { processorProblem } from "./imageProcessor.js";

type Tower = ModelConfig["vision_cfg"] | ModelConfig["text_cfg"];

/** By this id transformers knows models that pool the highest id, whatever it is (transformers pull request 24773). */
export const legacyEndOfText = 2;

/**
 * transformers' `config.json` for a model.
 *
 * @throws CheckpointError "checkpoint_layout_unsupported" naming what a CLIPModel can't be
 */
export function huggingFaceConfig(config: ModelConfig): object {
  const { vision_cfg: vision, text_cfg: text } = config;
  checkExpressible(config);
  const heads = visionHeads(vision);
  return {
    architectures: ["CLIPModel"],
    model_type: "clip",
    torch_dtype: "float32",
    projection_dim: config.embed_dim,
    logit_scale_init_value: config.init_logit_scale ?? Math.log(1 / 0.07),
    text_config: {
      model_type: "clip_text_model",
      ...towerConfig(config, text, text.heads),
      max_position_embeddings: text.context_length,
      vocab_size: text.vocab_size,
      bos_token_id: endOfText - 1,
      eos_token_id: endOfTextOf(text),
      pad_token_id: 1,
    },
    vision_config: {
      model_type: "clip_vision_model",
      ...towerConfig(config, vision, heads),
      image_size: vision.image_size,
      patch_size: vision.patch_size,
      num_channels: 3,
    },
  };
}

function towerConfig(config: ModelConfig, tower: Tower, heads: number): object {
  const exact = tower.act_kwargs?.approximate === "tanh" ? "gelu_pytorch_tanh" : "gelu";
  return {
    hidden_size: tower.width,
    intermediate_size: hiddenWidth(tower),
    num_hidden_layers: tower.layers,
    num_attention_heads: heads,
    hidden_act: config.quick_gelu ? "quick_gelu" : exact,
    layer_norm_eps: epsilonOf(tower),
    projection_dim: config.embed_dim,
    attention_dropout: 0,
  };
}

/** With CLIP's tokens the first end of text is the highest id; with others the highest must be asked for. */
function endOfTextOf(text: ModelConfig["text_cfg"]): number {
  if (text.pool_type === "eos") return text.eos_id;
  return text.vocab_size === vocabularySize ? endOfText : legacyEndOfText;
}

function checkExpressible(config: ModelConfig): void {
  const { vision_cfg: vision, text_cfg: text, init_logit_bias: bias } = config;
  const resizing = processorProblem(config);
  const problems: [boolean, string][] = [
    [typeof vision.layers !== "number", "a ResNet: transformers' CLIPModel has vision transformers only"],
    [typeof vision.image_size !== "number", "images that are not square"],
    [typeof vision.image_size === "number" && resizing !== null, resizing ?? ""],
    [vision.no_ln_pre, "no norm before the image tower's blocks (no_ln_pre)"],
    [vision.pool_type !== "tok" || vision.final_ln_after_pool, "an image tower that pools by the mean"],
    [typeof (vision.ls_init_value ?? text.ls_init_value) === "number", "layer scale (ls_init_value)"],
    [text.no_causal_mask, "a text tower without causal mask"],
    [text.pool_type === "first" || text.pool_type === "last", `text pooling by "${text.pool_type}"`],
    [text.pool_type === "eos" && text.eos_id === legacyEndOfText, "an end of text whose id is 2"],
    [text.proj_type === "none" || text.proj_bias, "a text projection that is no plain matrix"],
    [typeof bias === "number", "a logit bias (SigLIP's loss)"],
  ];
  const found = problems.filter(([is]) => is).map(([, what]) => what);
  if (found.length === 0) return;
  throw new CheckpointError(
    "checkpoint_layout_unsupported",
    `transformers' CLIPModel can't be this model: it has ${found.join("; ")}`,
    { hint: "Export it with --format openclip or onnx instead." },
  );
}

import { imageSize, type ModelConfig } from "../../modelConfig.js";
import { clipPreprocessConfig, writtenPreprocess } from "../../preprocessConfig.js";
import { inputFiles } from "../huggingFace/huggingFaceFiles.js";
import { openClipModelConfig } from "../openClipFolder.js";
import type { StateDict } from "../stateDict.js";
import { modifiedResNetGraph } from "./modifiedResNetGraph.js";
import { OnnxGraph } from "./onnxGraph.js";
import { onnxParts, type OnnxModel } from "./onnxModel.js";
import { textGraph } from "./textGraph.js";
import { visionTransformerGraph } from "./visionTransformerGraph.js";

/**
 * The files of a folder with both towers, each in pieces: `image.onnx` (images [B, 3, H, W] → image_features [B, E]),
 * `text.onnx` (input_ids [B, T] → text_features [B, E]), neither normalised, and the settings and tokenizer that make their
 * inputs. What is too long for one file has its weights beside it in `image.onnx.data` or `text.onnx.data`.
 *
 * @param maxModelBytes weights in bytes that a model file takes
 * @throws CheckpointError "checkpoint_layout_unsupported" where the model has parts that aren't exported
 */
export function onnxFiles(
  state: StateDict,
  config: ModelConfig,
  maxModelBytes?: number,
): Map<string, Iterable<Uint8Array>> {
  const files = new Map<string, Iterable<Uint8Array>>();
  const towers = { image: imageModel(state, config), text: textModel(state, config) };
  for (const [tower, model] of Object.entries(towers)) {
    const name = `${tower}.onnx`;
    const { model: parts, data } = onnxParts(model, `${name}.data`, maxModelBytes);
    files.set(name, parts);
    if (data !== null) files.set(`${name}.data`, data);
  }
  for (const [name, text] of inputFiles(config)) files.set(name, [Buffer.from(text)]);
  return files;
}

function imageModel(state: StateDict, config: ModelConfig): OnnxModel {
  const { vision_cfg: vision, quick_gelu: quick, embed_dim: embedDim } = config;
  const graph = new OnnxGraph(state);
  const input = config.preprocess_cfg ?? clipPreprocessConfig;
  const features =
    typeof vision.layers === "number"
      ? visionTransformerGraph(graph, vision, quick, "images")
      : modifiedResNetGraph(graph, vision, "images");
  return graph.model(
    features,
    { name: "images", type: "float", shape: ["B", 3, ...imageSize(vision)] },
    { name: "image_features", type: "float", shape: ["B", embedDim] },
    (key) => key.startsWith("visual."),
    {
      ...facts(state, config),
      mean: JSON.stringify(input.mean),
      std: JSON.stringify(input.std),
      preprocess_cfg: JSON.stringify(writtenPreprocess(input)),
    },
  );
}

function textModel(state: StateDict, config: ModelConfig): OnnxModel {
  const graph = new OnnxGraph(state);
  const prefix = state.has("text.ln_final.weight") ? "text." : "";
  return graph.model(
    textGraph(graph, config, prefix, "input_ids"),
    { name: "input_ids", type: "int64", shape: ["B", config.text_cfg.context_length] },
    { name: "text_features", type: "float", shape: ["B", config.embed_dim] },
    (key) => !key.startsWith("visual.") && !key.startsWith("logit_"),
    facts(state, config),
  );
}

/** What a user of the towers needs beside them: logits are scale · image · text + bias, of normalised features. */
function facts(state: StateDict, config: ModelConfig): Record<string, string> {
  const number = (key: string): number => (state.get(key)!.data as Float32Array)[0]!;
  return {
    model_cfg: JSON.stringify(openClipModelConfig(config)),
    logit_scale: String(Math.exp(number("logit_scale"))),
    ...(state.has("logit_bias") ? { logit_bias: String(number("logit_bias")) } : {}),
  };
}

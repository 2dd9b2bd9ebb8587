import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { initialParameters, parseModelConfig, writeSafetensors } from "@pairloom/clip";

/** A model of 16-pixel pictures with CLIP's vocabulary, untrained. @returns the options that name it */
export async function smallModel(folder: string, seed = 1): Promise<string[]> {
  const config = {
    embed_dim: 16,
    vision_cfg: { image_size: 16, patch_size: 8, width: 16, layers: 1, head_width: 8 },
    text_cfg: { context_length: 10, vocab_size: 49408, width: 8, heads: 2, layers: 1 },
  };
  const [model, checkpoint] = [join(folder, "model.json"), join(folder, `weights-${seed}.safetensors`)];
  await writeFile(model, JSON.stringify(config));
  await writeFile(checkpoint, writeSafetensors(initialParameters(parseModelConfig(config), seed)));
  return ["--model", model, "--checkpoint", checkpoint];
}

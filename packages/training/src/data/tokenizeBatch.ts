import type { ModelConfig } from "@pairloom/clip";
export function tokenizeBatch(texts: readonly string[], text: ModelConfig["text_cfg"]): Int32Array {
  throw new Error(`${texts.length} ${text.width}`);
}

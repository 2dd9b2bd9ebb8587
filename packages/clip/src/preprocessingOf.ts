import type { Preprocessing } from "./images/preprocess.js";
import { imageSize, type ModelConfig } from "./modelConfig.js";
import { clipPreprocessConfig } from "./preprocessConfig.js";

/** How a model's images are made. */
export function preprocessingOf({
  vision_cfg: vision,
  preprocess_cfg: said,
}: Pick<ModelConfig, "vision_cfg" | "preprocess_cfg">): Preprocessing {
  const { mean, std, interpolation, resize_mode, fill_color } = said ?? clipPreprocessConfig;
  return {
    size: imageSize(vision),
    mean,
    deviation: std,
    interpolation: interpolation === "random" ? "bicubic" : interpolation,
    resizeMode: resize_mode,
    fillColour: fill_color,
  };
}

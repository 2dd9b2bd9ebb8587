import type { ModelConfig } from "../../modelConfig.js";
import { preprocessingOf } from "../../preprocessingOf.js";
import { filterNumbers } from "./fromImageProcessor.js";

/** What of a model's preprocessing transformers' image processors can't do; null where they can all of it. */
export function processorProblem(config: ModelConfig): string | null {
  const { resizeMode, size, interpolation } = preprocessingOf(config);
  const [height, width] = size;
  if (resizeMode === "longest") return "images whose longer side is resized (resize_mode longest)";
  if (resizeMode === "shortest" && height !== width)
    return "images that are not square, of the shorter side's size";
  return interpolation in filterNumbers ? null : `the filter ${interpolation}`;
}

/** CLIPImageProcessor's settings: the shorter side resized and the centre cut out, or both sides resized. */
export function imageProcessor(config: ModelConfig): object {
  const { size, mean, deviation, interpolation, resizeMode } = preprocessingOf(config);
  const [height, width] = size;
  const isSquashed = resizeMode === "squash";
  return {
    image_processor_type: "CLIPImageProcessor",
    processor_class: "CLIPProcessor",
    do_convert_rgb: true,
    do_resize: true,
    size: isSquashed ? { height, width } : { shortest_edge: height },
    resample: filterNumbers[interpolation],
    do_center_crop: !isSquashed,
    crop_size: { height, width },
    do_rescale: true,
    rescale_factor: 1 / 255,
    do_normalize: true,
    image_mean: mean,
    image_std: deviation,
  };
}

import { clipDeviation, clipMean } from "../../images/preprocess.js";
import { imageSize, type ModelConfig } from "../../modelConfig.js";
import { ModelConfigError } from "../../parseModelConfig.js";
import { preprocessConfigSchema, type PreprocessConfig } from "../../preprocessConfig.js";

/** Pillow's filters by the numbers that transformers writes. */
export const filterNumbers = { nearest: 0, lanczos: 1, bilinear: 2, bicubic: 3 } as const;

/** What a processor that is no CLIPImageProcessor has where it says nothing. */
const others = { mean: 0.5, resample: filterNumbers.bilinear };

/**
 * How a model's images are made, from transformers' `preprocessor_config.json`.
 *
 * @param name for messages only
 * @throws ModelConfigError naming the field that asks for what isn't done here
 */
export function fromImageProcessor(
  said: Readonly<Record<string, unknown>>,
  { vision_cfg: vision }: Pick<ModelConfig, "vision_cfg">,
  name: string,
): PreprocessConfig {
  const refuse = (field: string, problem: string): never => {
    throw new ModelConfigError(field, problem, name);
  };
  const kind = said["image_processor_type"] ?? said["feature_extractor_type"] ?? "CLIPImageProcessor";
  const isClip = typeof kind === "string" && kind.startsWith("CLIP");
  for (const field of ["do_resize", "do_rescale"])
    if (said[field] === false)
      refuse(field, "false; images are resized and their values brought to 0 to 1 here");
  const factor = said["rescale_factor"] ?? 1 / 255;
  if (typeof factor !== "number" || Math.abs(factor * 255 - 1) > 1e-6)
    refuse("rescale_factor", `${JSON.stringify(factor)}; values are brought to 0 to 1 here, by 1/255`);
  const size = sidesOf(said["size"]);
  if (size === null) return refuse("size", `${JSON.stringify(said["size"])} gives no one size of image`);
  const resize_mode = isClip && size.isShortest ? "shortest" : size.mode;
  const cut = (said["do_center_crop"] ?? isClip) === true ? sidesOf(said["crop_size"] ?? 224) : null;
  if (resize_mode === "shortest" && cut === null)
    refuse("do_center_crop", "false, with `size` for the shorter side alone: images would differ in size");
  const sides = JSON.stringify(size.sides);
  if (cut !== null && JSON.stringify(cut.sides) !== sides)
    refuse(
      "crop_size",
      `${JSON.stringify(said["crop_size"])} is another size than \`size\`; one is known here`,
    );
  if (sides !== JSON.stringify(imageSize(vision)))
    refuse("size", `${sides} contradicts the model's image_size ${JSON.stringify(imageSize(vision))}`);
  const number = said["resample"] ?? (isClip ? filterNumbers.bicubic : others.resample);
  const filter = Object.entries(filterNumbers).find(([, known]) => known === number)?.[0];
  if (filter === undefined)
    refuse(
      "resample",
      `${JSON.stringify(number)}; 0 to 3 are known: ${Object.keys(filterNumbers).join(", ")}`,
    );
  const isPlain = said["do_normalize"] === false;
  const parsed = preprocessConfigSchema.safeParse({
    mean: isPlain ? 0 : (said["image_mean"] ?? (isClip ? clipMean : others.mean)),
    std: isPlain ? 1 : (said["image_std"] ?? (isClip ? clipDeviation : others.mean)),
    interpolation: filter,
    resize_mode,
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  return refuse(`image_${String(issue!.path[0])}`, issue!.message);
}

interface Sides {
  readonly sides: [height: number, width: number];
  readonly mode: "shortest" | "squash";
  /** One number: CLIP's processor means the shorter side. */
  readonly isShortest: boolean;
}

/** `{"shortest_edge": 224}`, `{"height": 224, "width": 224}` or, as older files have it, 224; null for what is none. */
function sidesOf(said: unknown): Sides | null {
  if (said === undefined) return { sides: [224, 224], mode: "squash", isShortest: true };
  if (typeof said === "number") return { sides: [said, said], mode: "squash", isShortest: true };
  if (Array.isArray(said) && said.length === 2 && said.every((side) => typeof side === "number"))
    return { sides: said as [number, number], mode: "squash", isShortest: false };
  if (typeof said !== "object" || said === null) return null;
  const { shortest_edge: shortest, height, width, ...more } = said as Record<string, unknown>;
  // a dump of all that a size can say has null for what it doesn't
  if (Object.values(more).some((value) => value !== null)) return null;
  if (typeof height === "number" && typeof width === "number" && !isSaid(shortest))
    return { sides: [height, width], mode: "squash", isShortest: false };
  if (typeof shortest === "number" && !isSaid(height) && !isSaid(width))
    return { sides: [shortest, shortest], mode: "shortest", isShortest: true };
  return null;
}

const isSaid = (value: unknown): boolean => value !== undefined && value !== null;

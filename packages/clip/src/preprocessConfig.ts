import { z } from "zod";
import { clipDeviation, clipMean } from "./images/preprocess.js";

/** Three channels' values; one number stands for all three, as in open_clip. */
const channels = (value: z.ZodNumber) =>
  z.preprocess(
    (given) => (typeof given === "number" ? [given, given, given] : given),
    z.tuple([value, value, value], { error: "expected three numbers, one a channel" }),
  );

/** Null means the same as nothing, as in open_clip. */
const withDefault = <T extends z.ZodType>(type: T, value: z.output<T>) =>
  z.preprocess((given) => given ?? value, type);

/**
 * How a model's images are made: open_clip's `preprocess_cfg`. Fields that open_clip passes over are passed over here. A
 * model's config holds it where something says it; where nothing does, CLIP's is meant (`preprocessingOf`).
 */
export const preprocessConfigSchema = z.object({
  mean: withDefault(channels(z.number()), [...clipMean]),
  std: withDefault(channels(z.number().positive()), [...clipDeviation]),
  /** open_clip knows the first three; its `random` is bicubic outside of timm's augmentation. */
  interpolation: withDefault(z.enum(["bicubic", "bilinear", "random", "lanczos", "nearest"]), "bicubic"),
  resize_mode: withDefault(z.enum(["shortest", "longest", "squash"]), "shortest"),
  fill_color: withDefault(z.int().min(0).max(255), 0),
});

export type PreprocessConfig = z.infer<typeof preprocessConfigSchema>;

/** A preprocessing as open_clip writes it: a fill colour that it takes for granted is left out. */
export function writtenPreprocess({ fill_color, ...said }: PreprocessConfig): object {
  return fill_color === 0 ? said : { ...said, fill_color };
}

/** CLIP's own preprocessing, which a model has that says nothing. */
export const clipPreprocessConfig: PreprocessConfig = preprocessConfigSchema.parse({});

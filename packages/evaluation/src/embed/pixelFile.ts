import { open } from "node:fs/promises";
import { imageSize, type ModelConfig, readSafetensorsHeader, type TensorPlace } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";

/** Names under which pixels are looked for where a file holds several tensors. */
const pixelNames = ["pixels", "image", "images", "pixel_values"];

/** Preprocessed images in a safetensors file. */
export interface PixelFile {
  count: number;
  /** Batches [B, H, W, 3], in order; one is in memory at a time. @throws UserError "pixels_not_finite", "pixels_truncated" */
  batches(batchSize: number): AsyncGenerator<Float32Array, void>;
}

/**
 * Opens preprocessed images, [N, 3, H, W] float32, for a model. Of the file its header alone is read.
 *
 * @throws CheckpointError where it is no safetensors file or cut off; UserError "pixels_missing", "pixels_dtype",
 * "pixels_shape"
 */
export async function openPixelFile(path: string, config: ModelConfig): Promise<PixelFile> {
  const { tensors } = await readSafetensorsHeader(path);
  const [name, place] = pixelTensor(path, tensors);
  const [height, width] = imageSize(config.vision_cfg);
  const expected = `Expected tensor \`${name}\` of ${path} to be float32 [N, 3, ${height}, ${width}]`;
  if (place.dtype !== "F32")
    throw new UserError("pixels_dtype", `${expected}, got ${place.dtype}`, {
      hint: "Convert it to float32 and save it again.",
    });
  const [count = 0, ...sides] = place.shape;
  if (sides.length !== 3 || sides[0] !== 3 || sides[1] !== height || sides[2] !== width)
    throw new UserError("pixels_shape", `${expected}, got [${place.shape.join(", ")}]`, {
      hint: "Images must be preprocessed for this model, channels before rows (NCHW).",
    });
  return { count, batches: (batchSize) => batchesOf(path, place, { count, height, width }, batchSize) };
}

function pixelTensor(path: string, tensors: ReadonlyMap<string, TensorPlace>): [string, TensorPlace] {
  const name = tensors.size === 1 ? [...tensors.keys()][0] : pixelNames.find((known) => tensors.has(known));
  if (name !== undefined) return [name, tensors.get(name)!];
  throw new UserError(
    "pixels_missing",
    `Expected ${path} to hold one tensor, or one named ${pixelNames.join(", ")}; it holds ${tensors.size === 0 ? "none" : [...tensors.keys()].slice(0, 5).join(", ")}`,
    { hint: "Save the pixels alone, or under the name `pixels`." },
  );
}

async function* batchesOf(
  path: string,
  place: TensorPlace,
  { count, height, width }: { count: number; height: number; width: number },
  batchSize: number,
): AsyncGenerator<Float32Array, void> {
  const plane = height * width;
  const handle = await open(path, "r");
  try {
    for (let first = 0; first < count; first += batchSize) {
      const images = Math.min(batchSize, count - first);
      const planes = new Float32Array(images * 3 * plane);
      const bytes = new Uint8Array(planes.buffer);
      for (let at = 0; at < bytes.length;) {
        const start = place.start + first * 3 * plane * 4 + at;
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start);
        if (bytesRead === 0)
          throw new UserError("pixels_truncated", `${path} became shorter while it was read`);
        at += bytesRead;
      }
      yield channelsLast(planes, images, plane, first, path);
    }
  } finally {
    await handle.close();
  }
}

/** [B, 3, H, W] to [B, H, W, 3]. */
function channelsLast(planes: Float32Array, images: number, plane: number, first: number, path: string) {
  const out = new Float32Array(planes.length);
  let from = 0;
  for (let image = 0; image < images; image++) {
    for (let channel = 0; channel < 3; channel++) {
      let to = image * plane * 3 + channel;
      for (let i = 0; i < plane; i++, to += 3) {
        const value = planes[from++]!;
        if (!Number.isFinite(value))
          throw new UserError(
            "pixels_not_finite",
            `Image ${first + image} of ${path} holds ${value} at channel ${channel}, pixel ${i}`,
            { hint: "Images are counted from 0. Were they preprocessed from broken files?" },
          );
        out[to] = value;
      }
    }
  }
  return out;
}

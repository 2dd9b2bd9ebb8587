import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type ExportedModel,
  type HostTensor,
  type ModelConfig,
  type StateDict,
  tensorBytes,
} from "@pairloom/clip";
import { decodeImage, preprocessImage } from "@pairloom/clip/images";
import sharp from "sharp";

/** Smooth colours: a picture whose resizing agrees between programs as a photograph's does. */
export async function writePicture(path: string): Promise<void> {
  const noise = Buffer.from(Uint8Array.from({ length: 12 * 9 * 3 }, (_, i) => (i * 2654435761) >>> 24));
  await sharp(noise, { raw: { width: 12, height: 9, channels: 3 } })
    .resize(320, 240, { kernel: "cubic" })
    .png()
    .toFile(path);
}

/** Other values than those that a model begins with, so that no tensor can be left out unseen. */
export function shaken(state: StateDict): StateDict {
  let seed = 12345;
  const random = () => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  return new Map(
    [...state].map(([key, tensor]) => {
      if (!(tensor.data instanceof Float32Array)) return [key, tensor];
      const data = tensor.data.map((value) =>
        key.endsWith("running_var") ? value * (1 + random()) : value + random() * 0.1,
      );
      return [key, { ...tensor, data }];
    }),
  );
}

/** Names of tensors that one of two models lacks, or that aren't the same bits of the same shape. */
export function differing(ours: StateDict, theirs: StateDict): string[] {
  const same = (a: HostTensor | undefined, b: HostTensor | undefined) =>
    a !== undefined &&
    b !== undefined &&
    isDeepStrictEqual([a.dtype, a.shape], [b.dtype, b.shape]) &&
    Buffer.compare(tensorBytes(a), tensorBytes(b)) === 0;
  return [...new Set([...ours.keys(), ...theirs.keys()])].filter(
    (key) => !same(ours.get(key), theirs.get(key)),
  );
}

/** Writes an exported model. */
export async function writeModel(path: string, exported: ExportedModel): Promise<void> {
  if (exported.kind === "file") return writeFile(path, exported.parts);
  await mkdir(path);
  for (const [file, parts] of exported.files) await writeFile(join(path, file), parts);
}

/** Three images and texts for a model: images [3, 3, H, W], ids [3, T]. */
export function inputsOf(config: ModelConfig): Map<string, HostTensor> {
  const { image_size: size } = config.vision_cfg;
  const [height, width] = typeof size === "number" ? [size, size] : size;
  const { context_length: length, vocab_size: words } = config.text_cfg;
  const images = Float32Array.from(
    { length: 3 * 3 * height * width },
    (_, i) => Math.sin(i * 0.37) + Math.cos(i * i * 0.011),
  );
  const ids = Int32Array.from({ length: 3 * length }, (_, i) => {
    const [row, place] = [Math.floor(i / length), i % length];
    const end = length - 1 - 4 * row;
    return place === end ? words - 1 : place > end ? 0 : (i * 7919) % (words - 2);
  });
  return new Map<string, HostTensor>([
    ["images", { dtype: "F32", shape: [3, 3, height, width], data: images }],
    ["ids", { dtype: "I32", shape: [3, length], data: ids }],
  ]);
}

/** A picture's pixels as the towers of PyTorch take them. [1, 3, S, S] */
export async function preprocessOf(bytes: Buffer, size: number): Promise<HostTensor> {
  const decoded = await decodeImage(bytes);
  const rows = preprocessImage(decoded, { size, resample: decoded.resample });
  const planes = Float32Array.from(
    { length: rows.length },
    (_, i) => rows[(i % (size * size)) * 3 + Math.floor(i / (size * size))]!,
  );
  return { dtype: "F32", shape: [1, 3, size, size], data: planes };
}

import { patchGrid, type ModelConfig } from "../modelConfig.js";
import { stateShapes } from "../stateShapes.js";
import { CheckpointError } from "./checkpointError.js";
import { resizeGrid, resizeRow } from "./resizePositions.js";
import type { TensorFile } from "./safetensors.js";
import type { HostTensor } from "./tensorDtype.js";

export interface MendOptions {
  /** Positions of another image size or context length are interpolated, as open_clip does when it loads weights. */
  readonly resizePositions?: boolean | undefined;
  /** A missing `logit_scale` or `logit_bias` takes the value that open_clip gives it. */
  readonly fillMissing?: boolean | undefined;
}

/**
 * A file's tensors with what is asked for made to fit a model's config.
 *
 * @returns what was done, in words
 * @throws CheckpointError "checkpoint_tensor_shape" where positions can't be interpolated
 */
export function mendTensors(
  tensors: TensorFile,
  config: ModelConfig,
  { resizePositions = false, fillMissing = false }: MendOptions,
): { tensors: TensorFile; notes: string[] } {
  const mended: TensorFile = new Map(tensors);
  const notes: string[] = [];
  const shapes = stateShapes(config);
  const set = (key: string, shape: readonly number[], data: Float32Array, note: string) => {
    mended.set(key, { dtype: "F32", shape, data });
    notes.push(note);
  };
  if (fillMissing) {
    for (const [key, value] of missingScalars(config))
      if (shapes.has(key) && !mended.has(key))
        set(key, [], Float32Array.of(value), `the missing \`${key}\` is ${value}, as in open_clip`);
  }
  if (resizePositions) {
    for (const [key, resize] of Object.entries(resizers)) {
      const tensor = mended.get(key);
      // a text tower's tensors are named with and without a beginning: here as in the file
      const wanted = (shapes.get(key) ?? shapes.get(`text.${key}`) ?? shapes.get(key.replace(/^text\./, "")))
        ?.shape;
      const [from, width] = tensor?.shape ?? [];
      const [to] = wanted ?? [];
      if (tensor === undefined || from === undefined || width === undefined || to === undefined) continue;
      if (from === to || width !== wanted![1]) continue;
      const data = resize(tensor, [from, to], width, config);
      set(key, [to, width], data, `\`${key}\` was resized from ${from} places to ${to}`);
    }
  }
  return { tensors: mended, notes };
}

/** open_clip begins a scale at 1/0.07, and gives weights without a bias none. */
const missingScalars = ({ init_logit_scale }: ModelConfig): [string, number][] => [
  ["logit_scale", init_logit_scale ?? Math.log(1 / 0.07)],
  ["logit_bias", 0],
];

type Resize = (
  tensor: HostTensor,
  places: readonly [from: number, to: number],
  width: number,
  config: ModelConfig,
) => Float32Array;

const resizeText: Resize = (tensor, [from, to], width) =>
  resizeRow(tensor.data as Float32Array, from, to, width);

/** The first place is the class token's, which stays; the others are a square. */
const resizeImage: Resize = (tensor, [from, to], width, { vision_cfg: vision }) => {
  const side = Math.trunc(Math.sqrt(from - 1));
  if (side * side !== from - 1) {
    throw new CheckpointError(
      "checkpoint_tensor_shape",
      `\`visual.positional_embedding\` has ${from - 1} places beside the first, no square: they can't be resized`,
    );
  }
  const values = tensor.data as Float32Array;
  const out = new Float32Array(to * width);
  out.set(values.subarray(0, width));
  out.set(resizeGrid(values.subarray(width), [side, side], patchGrid(vision), width), width);
  return out;
};

const resizers: Readonly<Record<string, Resize>> = {
  "visual.positional_embedding": resizeImage,
  positional_embedding: resizeText,
  "text.positional_embedding": resizeText,
};

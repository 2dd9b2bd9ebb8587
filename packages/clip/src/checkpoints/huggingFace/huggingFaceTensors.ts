import { toEngineLayout } from "../../layout.js";
import { CheckpointError } from "../checkpointError.js";
import type { TensorFile } from "../safetensors.js";
import type { StateDict } from "../stateDict.js";
import type { HostTensor } from "../tensorDtype.js";
import { huggingFaceName, jointProjection, openClipName, splitProjection, turned } from "./tensorNames.js";

const letters = ["q", "k", "v"] as const;

/**
 * A vision transformer's and text tower's tensors as transformers' CLIPModel names and lays them.
 *
 * @param state in open_clip's names, of a model that `huggingFaceConfig` took
 */
export function toHuggingFaceTensors(state: StateDict): Map<string, HostTensor> {
  const tensors = new Map<string, HostTensor>();
  for (const [own, tensor] of state) {
    // open_clip's other class puts the text tower's names behind "text."
    const key = own.replace(/^text\./, "");
    const joint = jointProjection(key);
    if (joint !== null) {
      letters.forEach((letter, place) => {
        tensors.set(`${joint.block}.self_attn.${letter}_proj.${joint.part}`, third(tensor, place));
      });
      continue;
    }
    const name = huggingFaceName(key);
    if (name === null) {
      throw new CheckpointError(
        "checkpoint_layout_unsupported",
        `transformers' CLIPModel has no place for \`${key}\``,
      );
    }
    tensors.set(name, turned.has(key) ? transposed(key, tensor) : tensor);
  }
  return tensors;
}

/**
 * The inverse: tensors of a CLIPModel in open_clip's names and layouts. What is no weight (`position_ids`) is left out;
 * names that are not CLIPModel's stay as they are.
 *
 * @throws CheckpointError where one of queries, keys and values is missing or unlike the others
 */
export function fromHuggingFaceTensors(tensors: TensorFile): TensorFile {
  const file: TensorFile = new Map();
  const joints = new Map<string, (HostTensor | undefined)[]>();
  for (const [name, tensor] of tensors) {
    if (name.endsWith(".position_ids")) continue;
    const split = splitProjection(name);
    if (split === null) {
      const key = openClipName(name) ?? name;
      file.set(key, turned.has(key) ? transposed(name, tensor) : tensor);
      continue;
    }
    const parts = joints.get(split.joint) ?? [undefined, undefined, undefined];
    parts[split.place] = tensor;
    joints.set(split.joint, parts);
  }
  for (const [joint, parts] of joints) file.set(joint, joined(joint, parts));
  return file;
}

/** Rows of one of queries, keys and values. */
function third({ dtype, shape, data }: HostTensor, place: number): HostTensor {
  const size = data.length / 3;
  return {
    dtype,
    shape: [shape[0]! / 3, ...shape.slice(1)],
    data: data.subarray(place * size, (place + 1) * size),
  };
}

function joined(joint: string, parts: readonly (HostTensor | undefined)[]): HostTensor {
  const { block, part } = jointProjection(joint)!;
  const nameOf = (place: number) => `${block}.self_attn.${letters[place]}_proj.${part}`;
  const lacking = parts.indexOf(undefined);
  if (lacking >= 0) {
    throw new CheckpointError(
      "checkpoint_tensor_missing",
      `The checkpoint lacks the tensor \`${nameOf(lacking)}\``,
    );
  }
  const [first, ...others] = parts as HostTensor[];
  const { shape, data } = first!;
  const same = others.every(
    (other) => other.shape.length === shape.length && other.shape.every((side, axis) => side === shape[axis]),
  );
  if (!same || shape.length === 0) {
    const shapes = (parts as HostTensor[]).map((one) => `[${one.shape.join(", ")}]`).join(", ");
    throw new CheckpointError(
      "checkpoint_tensor_shape",
      `Tensors \`${nameOf(0)}\` and its k and v differ in shape: ${shapes}`,
    );
  }
  const rows = new Float32Array(3 * data.length);
  (parts as HostTensor[]).forEach((one, place) => rows.set(floats(nameOf(place), one), place * data.length));
  return { dtype: "F32", shape: [3 * shape[0]!, ...shape.slice(1)], data: rows };
}

function transposed(name: string, tensor: HostTensor): HostTensor {
  const [rows, columns, ...more] = tensor.shape;
  if (rows === undefined || columns === undefined || more.length > 0) {
    throw new CheckpointError(
      "checkpoint_tensor_shape",
      `Tensor \`${name}\` has the shape [${tensor.shape.join(", ")}], a projection has two sides`,
    );
  }
  const data = toEngineLayout(floats(name, tensor), [rows, columns], "linear");
  return { dtype: "F32", shape: [columns, rows], data };
}

function floats(name: string, { data, dtype }: HostTensor): Float32Array {
  if (data instanceof Float32Array) return data;
  if (data instanceof Float64Array) return Float32Array.from(data);
  throw new CheckpointError("checkpoint_tensor_dtype", `Tensor \`${name}\` must hold floats, has ${dtype}`);
}

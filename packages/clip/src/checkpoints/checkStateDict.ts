import type { ModelConfig } from "../modelConfig.js";
import { stateShapes, type StateEntry } from "../stateShapes.js";
import { CheckpointError, type CheckpointProblem } from "./checkpointError.js";
import type { StateDict } from "./stateDict.js";
import type { HostTensor } from "./tensorDtype.js";
import { recogniseLayout } from "./weightLayout.js";

/** Problems named in one error; the rest are counted. */
const maxNamed = 20;

interface Problem {
  readonly code: CheckpointProblem;
  readonly message: string;
}

type Checked = { readonly tensor: HostTensor } | Problem;

/**
 * Checks tensors of a file against a config: none missing, none extra, shapes as they must be, all finite. Half precision
 * becomes float32; counters become int64, and zero where an older PyTorch wrote none; a scalar may be a list of one. Keys
 * come in the state dict's order.
 *
 * @param options.allowNotFinite takes weights that are NaN or infinite
 * @throws CheckpointError naming every tensor that doesn't fit, up to 20; its code is the first one's
 */
export function checkStateDict(
  tensors: ReadonlyMap<string, HostTensor>,
  config: ModelConfig,
  options: { readonly allowNotFinite?: boolean } = {},
): StateDict {
  const shapes = stateShapes(config);
  const named = namedFor(shapes, tensors);
  const state: StateDict = new Map();
  const problems: Problem[] = [];
  for (const [key, entry] of shapes) {
    const found = checked(key, entry, named.get(key), options.allowNotFinite ?? false);
    if ("tensor" in found) state.set(key, found.tensor);
    else problems.push(found);
  }
  for (const key of named.keys()) {
    if (!shapes.has(key) && !key.endsWith(".num_batches_tracked")) {
      problems.push({
        code: "checkpoint_tensor_extra",
        message: `The checkpoint has the tensor \`${key.slice(0, 120)}\`, which the model config has no place for`,
      });
    }
  }
  if (problems.length > 0) throw misfit(problems, tensors.keys());
  return state;
}

/** open_clip's two classes name the text tower's tensors with and without a prefix: here as the config's model does. */
function namedFor(
  shapes: ReadonlyMap<string, StateEntry>,
  tensors: ReadonlyMap<string, HostTensor>,
): ReadonlyMap<string, HostTensor> {
  const mark = "ln_final.weight";
  const isPrefixed = tensors.has(`text.${mark}`);
  if (isPrefixed === shapes.has(`text.${mark}`) || isPrefixed === tensors.has(mark)) return tensors;
  const renamed = (name: string): string => {
    if (isPrefixed) return name.replace(/^text\./, "");
    return name.startsWith("visual.") || name.startsWith("logit_") ? name : `text.${name}`;
  };
  return new Map([...tensors].map(([name, tensor]) => [renamed(name), tensor]));
}

function checked(
  key: string,
  entry: StateEntry,
  tensor: HostTensor | undefined,
  allowNotFinite: boolean,
): Checked {
  if (tensor === undefined) {
    if (key.endsWith(".num_batches_tracked"))
      return { tensor: { dtype: "I64", shape: [], data: BigInt64Array.of(0n) } };
    return { code: "checkpoint_tensor_missing", message: `The checkpoint lacks the tensor \`${key}\`` };
  }
  const { data, dtype } = tensor;
  // FSDP and some programs keep a scalar as a list of one
  const shape = entry.shape.length === 0 && data.length === 1 ? entry.shape : tensor.shape;
  const agrees =
    shape.length === entry.shape.length && shape.every((side, axis) => side === entry.shape[axis]);
  if (!agrees) {
    return {
      code: "checkpoint_tensor_shape",
      message: `Tensor \`${key}\` has the shape [${shape.join(", ")}], the model config needs [${entry.shape.join(", ")}]`,
    };
  }
  const isFloat = data instanceof Float32Array || data instanceof Float64Array;
  if (entry.dtype === "int64") {
    if (isFloat || dtype === "BOOL")
      return {
        code: "checkpoint_tensor_dtype",
        message: `Tensor \`${key}\` must hold whole numbers, has ${dtype}`,
      };
    const whole =
      data instanceof BigInt64Array ? data : BigInt64Array.from(data as Int32Array, (value) => BigInt(value));
    return { tensor: { dtype: "I64", shape, data: whole } };
  }
  if (!isFloat) {
    return { code: "checkpoint_tensor_dtype", message: `Tensor \`${key}\` must hold floats, has ${dtype}` };
  }
  const floats = data instanceof Float32Array ? data : Float32Array.from(data);
  const at = allowNotFinite ? -1 : firstNotFinite(floats);
  if (at >= 0) {
    return {
      code: "checkpoint_not_finite",
      message: `Tensor \`${key}\` holds ${floats[at]} at position ${at}`,
    };
  }
  return { tensor: { dtype: "F32", shape, data: floats } };
}

/** Where the first NaN or infinity is; −1 where there is none. */
function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i;
  return -1;
}

function misfit(problems: readonly Problem[], names: Iterable<string>): CheckpointError {
  const [first] = problems as [Problem];
  const found = recogniseLayout(names);
  const all = (fits: (problem: Problem) => boolean) => problems.every(fits);
  const hint = all(({ code }) => code === "checkpoint_not_finite")
    ? "The training that wrote it diverged: take an earlier checkpoint, or --allow-not-finite."
    : all(({ code, message }) => code === "checkpoint_tensor_shape" && /positional_embedding`/.test(message))
      ? "`pairloom checkpoints import --resize-positions` makes its positions fit another size."
      : all(
            ({ code, message }) =>
              code === "checkpoint_tensor_missing" && /`logit_(scale|bias)`/.test(message),
          )
        ? "`pairloom checkpoints import --fill-missing` gives it open_clip's value."
        : found !== null && "looksLike" in found
          ? `It looks like ${found.looksLike}.`
          : "Was it made for another model config?";
  if (problems.length === 1) return new CheckpointError(first.code, first.message, { hint });
  const named = problems.slice(0, maxNamed).map(({ message }) => `  ${message}`);
  const more = problems.length - named.length;
  const lines = [`${problems.length} tensors of the checkpoint don't fit:`, ...named];
  if (more > 0) lines.push(`  … and ${more} more`);
  return new CheckpointError(first.code, lines.join("\n"), { hint });
}

/** Whether all tensors that a config asks for are there in its shapes, and none that it has no place for. */
export function fitsConfig(tensors: ReadonlyMap<string, HostTensor>, config: ModelConfig): boolean {
  const shapes = stateShapes(config);
  const named = namedFor(shapes, tensors);
  const isCounter = (key: string) => key.endsWith(".num_batches_tracked");
  const fits = (entry: StateEntry, tensor: HostTensor | undefined) =>
    tensor !== undefined && "tensor" in checked("", entry, tensor, true);
  return (
    [...shapes].every(([key, entry]) => isCounter(key) || fits(entry, named.get(key))) &&
    [...named.keys()].every((key) => isCounter(key) || shapes.has(key))
  );
}

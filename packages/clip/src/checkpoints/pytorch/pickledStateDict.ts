import { CheckpointError } from "../checkpointError.js";
import { PickleDict, PickledModule, PickledTensor, type PickleValue } from "./pickleValue.js";

/** More objects than any program of two towers has, seen by any way through it. */
const maxVisits = 200_000;
const maxDepth = 64;

/** The tensors of a checkpoint by name, and what else its pickle tells of the model. */
export interface PickledStateDict {
  readonly tensors: Map<string, PickledTensor>;
  /** Names of the classes of a TorchScript program; null for a checkpoint that is none. */
  readonly classes: ReadonlySet<string> | null;
}

/**
 * The state dict in what was pickled: the dict itself, one under the key "state_dict", or a TorchScript program's tensors
 * by the attributes that lead to them.
 *
 * @throws CheckpointError "pytorch_not_state_dict"
 */
export function pickledStateDict(root: PickleValue): PickledStateDict {
  const found =
    root instanceof PickledModule ? moduleTensors(root) : { tensors: dictTensors(root), classes: null };
  if (found.tensors.size === 0) throw notStateDict("it holds no tensor");
  return { tensors: withoutWrapper(found.tensors), classes: found.classes };
}

function dictTensors(root: PickleValue): Map<string, PickledTensor> {
  const nested = root instanceof PickleDict ? root.entries.get("state_dict") : undefined;
  const dict = nested ?? root;
  if (!(dict instanceof PickleDict)) throw notStateDict("it holds no dict");
  const tensors = new Map<string, PickledTensor>();
  for (const [key, value] of dict.entries) {
    if (typeof key !== "string" || !(value instanceof PickledTensor)) {
      throw notStateDict(`its entry ${JSON.stringify(String(key).slice(0, 80))} is no tensor`);
    }
    tensors.set(key, value);
  }
  return tensors;
}

/** Walks a program's modules; without recursion, and not without end where modules hold one another. */
function moduleTensors(root: PickledModule): PickledStateDict & { classes: Set<string> } {
  const tensors = new Map<string, PickledTensor>();
  const classes = new Set<string>();
  const waiting: { module: PickledModule; prefix: string; depth: number }[] = [
    { module: root, prefix: "", depth: 0 },
  ];
  let visits = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { module, prefix, depth } = next;
    classes.add(module.className);
    for (const [name, value] of module.attributes) {
      if (++visits > maxVisits || depth > maxDepth) throw notStateDict("its modules hold one another");
      if (value instanceof PickledTensor) tensors.set(prefix + name, value);
      else if (value instanceof PickledModule)
        waiting.push({ module: value, prefix: `${prefix}${name}.`, depth: depth + 1 });
    }
  }
  return { tensors, classes };
}

/** Names without the "module." of DistributedDataParallel. */
function withoutWrapper(tensors: Map<string, PickledTensor>): Map<string, PickledTensor> {
  const wrapper = "module.";
  if (![...tensors.keys()].every((key) => key.startsWith(wrapper))) return tensors;
  return new Map([...tensors].map(([key, tensor]) => [key.slice(wrapper.length), tensor]));
}

function notStateDict(problem: string): CheckpointError {
  return new CheckpointError("pytorch_not_state_dict", `The checkpoint is no state dict: ${problem}`, {
    hint: 'Save the weights alone: torch.save(model.state_dict(), path); under the key "state_dict" works too.',
  });
}

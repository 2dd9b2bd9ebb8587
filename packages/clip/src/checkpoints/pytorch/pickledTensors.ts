import { CheckpointError } from "../checkpointError.js";
import { PickleDict, PickledModule, PickledTensor, type PickleValue } from "./pickleValue.js";

/** More objects than any program of two towers has, seen by any way through it. */
const maxVisits = 200_000;
const maxDepth = 64;

/** The tensors of a checkpoint by name, and what else its pickle tells of the model. */
export interface PickledTensors {
  readonly tensors: Map<string, PickledTensor>;
  /** Names of the classes of a TorchScript program; null for a checkpoint that is none. */
  readonly classes: ReadonlySet<string> | null;
}

/**
 * All tensors in what was pickled: those of dicts in dicts by the keys that lead to them (`state_dict.visual.proj`), or a
 * TorchScript program's by its attributes. Which of them are the model's, `chooseWeights` tells.
 *
 * @throws CheckpointError "pytorch_not_state_dict"
 */
export function pickledTensors(root: PickleValue): PickledTensors {
  const found =
    root instanceof PickledModule ? moduleTensors(root) : { tensors: dictTensors(root), classes: null };
  if (found.tensors.size === 0) throw notStateDict("it holds no tensor");
  return found;
}

function dictTensors(root: PickleValue): Map<string, PickledTensor> {
  if (!(root instanceof PickleDict)) throw notStateDict("it holds no dict");
  const tensors = new Map<string, PickledTensor>();
  const waiting: { dict: PickleDict; prefix: string; depth: number }[] = [
    { dict: root, prefix: "", depth: 0 },
  ];
  let visits = 0;
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { dict, prefix, depth } = next;
    for (const [key, value] of dict.entries) {
      if (++visits > maxVisits || depth > maxDepth) throw notStateDict("its dicts hold one another");
      if (value instanceof PickledTensor) tensors.set(`${prefix}${key}`, value);
      else if (value instanceof PickleDict)
        waiting.push({ dict: value, prefix: `${prefix}${key}.`, depth: depth + 1 });
    }
  }
  return tensors;
}

/** Walks a program's modules; without recursion, and not without end where modules hold one another. */
function moduleTensors(root: PickledModule): PickledTensors & { classes: Set<string> } {
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

function notStateDict(problem: string): CheckpointError {
  return new CheckpointError("pytorch_not_state_dict", `The checkpoint is no state dict: ${problem}`, {
    hint: 'Save the weights alone: torch.save(model.state_dict(), path); under the key "state_dict" works too.',
  });
}

import { type ChosenWeights, chooseWeights } from "../chooseWeights.js";
import type { PyTorchReadOptions } from "./readPyTorch.js";

/** Keys under which training programs keep a state dict beside other things. */
const containers = ["state_dict.", "model_state_dict."];
const parallel = "module.";

/**
 * Which of a pickle's tensors are read, by their names in it: those that are asked for, or a model's. Where no model of a known
 * layout is found, the ones under a key that says "state dict", without DistributedDataParallel's `module.`.
 */
export function weightsAmong(
  all: Iterable<string>,
  { names: wanted, weights }: PyTorchReadOptions,
): ChosenWeights {
  const names = [...all];
  if (wanted !== undefined) return asNamed(names.filter((name) => wanted.has(name)));
  const chosen = chooseWeights(names, weights);
  if (chosen.isModel) return chosen;
  const container = containers.find((prefix) => names.some((name) => name.startsWith(prefix))) ?? "";
  const inside = names.filter((name) => name.startsWith(container));
  const isParallel = inside.every((name) => name.slice(container.length).startsWith(parallel));
  const prefix = container + (isParallel ? parallel : "");
  return asNamed(inside, (name) => name.slice(prefix.length));
}

function asNamed(names: readonly string[], rename = (name: string) => name): ChosenWeights {
  return { isModel: false, names: new Map(names.map((name) => [name, rename(name)])), notes: [] };
}

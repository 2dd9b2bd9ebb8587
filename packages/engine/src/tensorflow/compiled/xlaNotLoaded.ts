import { UserError } from "@pairloom/config/errors";

/** XLA was asked for in a process whose TensorFlow runs without it: it can't be switched on any more. */
export function xlaNotLoaded(): UserError {
  return new UserError("xla_not_loaded", "TensorFlow is loaded in this process without XLA", {
    hint: "Load the engine with `xla: true` first, or train in a process of its own: `pairloom train --xla`.",
  });
}

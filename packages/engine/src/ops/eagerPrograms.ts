import * as tf from "@tensorflow/tfjs";
import { UserError } from "@pairloom/config/errors";
import type { OpenPrograms, ProgramOptions } from "../programs.js";

/** @throws UserError "precision_unsupported" where more is asked for than programs that aren't compiled can do */
export function checkEagerOptions({
  precision = "float32",
  xla = false,
}: Pick<ProgramOptions, "precision" | "xla">): void {
  if (precision !== "float32" || xla)
    throw new UserError(
      "precision_unsupported",
      `${xla ? "XLA" : `Precision ${precision}`} needs the tensorflow engine`,
      { hint: "`pairloom engine install`, then `--engine tensorflow`." },
    );
}

/** Programs that run operation by operation on the current back end. */
export const eagerPrograms: OpenPrograms = (sources, options) => {
  checkEagerOptions(options);
  return {
    run: (name, inputs) => tf.tidy(() => sources[name].run(inputs)),
    withVariables: (work) => work(),
    dispose: () => undefined,
  };
};

import * as tf from "@tensorflow/tfjs";
import { UserError } from "@pairloom/config";
import type { OpenPrograms } from "../programs.js";

/** Programs that run operation by operation on the current back end. */
export const eagerPrograms: OpenPrograms = (sources, { precision = "float32", xla = false }) => {
  if (precision !== "float32" || xla)
    throw new UserError(
      "precision_unsupported",
      `${xla ? "XLA" : `Precision ${precision}`} needs the tensorflow engine`,
      { hint: "`pairloom engine install`, then `--engine tensorflow`." },
    );
  return {
    run: (name, inputs) => tf.tidy(() => sources[name].run(inputs)),
    withVariables: (work) => work(),
    dispose: () => undefined,
  };
};

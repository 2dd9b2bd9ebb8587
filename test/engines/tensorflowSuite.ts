import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { type Engine, loadEngine } from "@pairloom/engine";
import { cacheDir, tensorflowReason } from "./installation.js";

/**
 * Loads the tensorflow engine for a test file (vitest runs each in a process of its own), or skips its tests with the
 * reason. Call at the file's top.
 *
 * @param needsNative for tests of native/*.cc: they are skipped on a binding without (TensorFlow's stock one)
 */
export function tensorflowSuite(needsNative = false): { readonly engine: Engine } {
  const suite: { engine: Engine } = { engine: undefined as never };
  let reason: string | null = null;
  beforeAll(async () => {
    reason = await tensorflowReason();
    if (reason === null) {
      suite.engine = await loadEngine("tensorflow", { cacheDir, threads: 2 });
      if (needsNative && tf.getKernel("PairloomLayerNorm", "tensorflow") === undefined)
        reason = "the binding has no native operations";
    }
    if (reason !== null) console.warn(`skipped: the tensorflow engine: ${reason}`);
  }, 900_000);
  beforeEach(async (context) => {
    if (reason !== null) context.skip(reason);
    await tf.setBackend("tensorflow");
  });
  afterAll(() => (suite.engine as Engine | undefined)?.dispose());
  return suite;
}

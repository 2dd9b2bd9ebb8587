import { beforeAll, describe, expect, it } from "vitest";
import { tensorflowReason } from "./installation.js";
import { knownTraining, trainSmallModel as train } from "./trace.js";

let reason: string | null = null;
beforeAll(async () => {
  reason = await tensorflowReason();
  if (reason !== null) console.warn(`skipped: the tensorflow engine: ${reason}`);
}, 900_000);

describe.each(["vit", "resnet"])("a small CLIP with a %s", (model) => {
  it("trains alike on wasm and on tensorflow", async (context) => {
    if (reason !== null) return context.skip(reason);
    const [wasm, tensorflow] = await Promise.all([
      knownTraining("wasm", model),
      knownTraining("tensorflow", model),
    ]);
    expect(tensorflow.version).toMatch(/^2\./);
    // AdamW divides by a gradient's own size, so that the last digits of near-zero ones grow from step to step, and in
    // a ResNet with each rectifier that they tip over (compiledStep.test.ts measures by how much)
    const exact = model === "vit" ? 4 : 3;
    wasm.losses.forEach((loss, i) =>
      expect(Math.abs(loss / (tensorflow.losses[i] ?? NaN) - 1)).toBeLessThan(i < exact ? 1e-4 : 2e-3),
    );
    for (const [key, { sample }] of Object.entries(wasm.gradients)) {
      const expected = tensorflow.gradients[key]!;
      // the floor is for gradients that are zero by mathematics, as those of key biases
      const allowed = Math.max(1e-4 * expected.scale, 1e-6);
      sample.forEach((value, i) => {
        expect(Math.abs(value - (expected.sample[i] ?? NaN)), key).toBeLessThan(allowed);
      });
    }
    for (const { tensors } of [wasm, tensorflow]) expect(new Set(tensors).size).toBe(1);
  });

  it("gives the same bits twice on wasm, with one thread and with two", async () => {
    const [first, again, one] = await Promise.all([
      knownTraining("wasm", model),
      train("wasm", model),
      train("wasm", model, 1),
    ]);
    expect(again.losses).toEqual(first.losses);
    expect(one.losses).toEqual(first.losses);
    expect(one.norms).toEqual(first.norms);
    expect(first.losses.at(-1)).toBeLessThan(first.losses[0] ?? 0);
  });

  it("gives the same bits twice on tensorflow", async (context) => {
    if (reason !== null) return context.skip(reason);
    const [first, again] = await Promise.all([
      knownTraining("tensorflow", model),
      train("tensorflow", model),
    ]);
    expect(again.losses).toEqual(first.losses);
  });
});

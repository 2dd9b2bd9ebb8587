import { join } from "node:path";
import { type Engine, loadEngine } from "@pairloom/engine";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { expectReferenceSteps } from "../../packages/clip/test/referenceSteps.js";
import { engineAdamW } from "./engineAdamW.js";
import { webgpuReason } from "./vulkanDriver.js";

const fixtures = join(import.meta.dirname, "../../packages/clip/test/fixtures/parity");
let reason: string | null = null;
let engine: Engine;
beforeAll(async () => {
  reason = webgpuReason();
  if (reason !== null) console.warn(`skipped: the webgpu engine: ${reason}`);
  else engine = await loadEngine("webgpu");
});
afterAll(() => (reason === null ? engine.dispose() : undefined));
beforeEach((context) => {
  if (reason !== null) context.skip(reason);
});

/** The length of the difference. */
function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0));
}

it.each([
  // After an update a last digit may put a number on the other side of a ReLU's kink: wasm, given the parameters that
  // webgpu came to, then finds gradients as far from the reference's. How far a norm, and how far on their way parameters:
  ["tiny_vit", 1e-4, 1e-3],
  ["tiny_rn", 1e-3, 3e-2],
])(
  "%s on webgpu agrees with open_clip in features, logits, every gradient and three AdamW steps",
  async (name, later, way) => {
    await expectReferenceSteps(join(fixtures, name), engineAdamW(engine), {
      ...{ forward: 1e-5, gradient: 1e-4, first: 1e-5, later },
      stepped: (key, start, ours, theirs) => {
        const allowed = Math.max(way * distance(start, theirs), 1e-6);
        expect(distance(ours, theirs), `${key} after the steps`).toBeLessThan(allowed);
      },
    });
  },
);

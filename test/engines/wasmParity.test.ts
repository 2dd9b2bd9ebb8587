import { join } from "node:path";
import { type Engine, loadEngine } from "@pairloom/engine";
import { afterAll, beforeAll, it } from "vitest";
import { expectReferenceSteps } from "../../packages/clip/test/referenceSteps.js";
import { engineAdamW } from "./engineAdamW.js";

const fixtures = join(import.meta.dirname, "../../packages/clip/test/fixtures/parity");
let engine: Engine;
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 2 });
});
afterAll(() => engine.dispose());

it.each(["tiny_vit", "tiny_rn"])(
  "%s on wasm agrees with open_clip in features, logits, every gradient and three AdamW steps",
  async (name) => {
    await expectReferenceSteps(join(fixtures, name), engineAdamW(engine), {
      ...{ forward: 1e-5, gradient: 1e-4, first: 1e-5, later: 1e-4, stepped: 5e-5 },
    });
  },
);

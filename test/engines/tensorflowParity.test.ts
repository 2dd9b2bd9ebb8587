import { join } from "node:path";
import { it } from "vitest";
import { expectReferenceSteps } from "../../packages/clip/test/referenceSteps.js";
import { engineAdamW } from "./engineAdamW.js";
import { tensorflowSuite } from "./tensorflowSuite.js";

const fixtures = join(import.meta.dirname, "../../packages/clip/test/fixtures/parity");
const suite = tensorflowSuite(true);

it.each(["tiny_vit", "tiny_rn"])(
  "%s on tensorflow agrees with open_clip in features, logits, every gradient and three AdamW steps",
  async (name) => {
    await expectReferenceSteps(join(fixtures, name), engineAdamW(suite.engine), {
      ...{ forward: 1e-5, gradient: 1e-4, first: 1e-5, later: 1e-4, stepped: 5e-5 },
    });
  },
);

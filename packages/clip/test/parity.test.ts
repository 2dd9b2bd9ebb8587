import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, test } from "vitest";
import { registerFilterGradient } from "./filterGradientKernel.js";
import { ReferenceAdamW } from "./referenceAdamW.js";
import { expectReferenceSteps } from "./referenceSteps.js";

const fixtures = process.env["PAIRLOOM_PARITY"] ?? new URL("fixtures/parity", import.meta.url).pathname;
const names = (process.env["PAIRLOOM_PARITY_NAMES"] ?? "tiny_vit,tiny_rn").split(",");

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerFilterGradient();
});

describe.each(names)("%s agrees with open_clip on PyTorch", (name) => {
  test("in features, logits, every gradient and three AdamW steps", async () => {
    const gaps = await expectReferenceSteps(
      `${fixtures}/${name}`,
      (settings) => {
        const optimizer = new ReferenceAdamW(settings);
        return (parameters, pass) => optimizer.apply(parameters, pass);
      },
      { forward: 1e-5, gradient: 1e-4, first: 1e-5, later: 1e-4, stepped: 5e-5 },
    );
    if (process.env["PAIRLOOM_SHOW"]) console.log(name, [...gaps].sort((a, b) => b[1] - a[1]).slice(0, 12));
  }, 120_000);
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadModelConfig } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  disposePass,
  type Gaps,
  OpenedReference,
  readReferenceModel,
  type ReferenceModel,
} from "../../packages/clip/test/referenceModel.js";
import { cacheDir, tensorflowReason } from "../engines/installation.js";
import { openClip, openClipReason } from "./openClip.js";

if (openClipReason !== null)
  console.log(`full-size models beside open_clip's are skipped: ${openClipReason}`);

/** Pairs: the fewest whose loss and batch statistics say something. */
const batch = 4;
/**
 * Both sides compute in float32 here. Features that are within 5e-5 of the largest have a cosine above 0.99999. In a deep
 * ResNet a last digit may put a number on the other side of a rectifier's kink; with four pairs a filter of the last stage
 * sees 196 places, so that one of them shows. PyTorch's own gradients in float32 are up to 2e-2 from its own in float64 on
 * this batch. The whole gradient is the better measure; layer by layer the small models are held to 1e-4.
 */
const models = [
  { name: "ViT-B-32", nearness: { forward: 5e-5, gradient: 1e-4 }, whole: 2e-5 },
  { name: "RN50", nearness: { forward: 5e-5, gradient: 0.2 }, whole: 1e-2 },
];

describe.skipIf(openClipReason !== null).each(models)(
  "$name with open_clip's random weights",
  ({ name, nearness, whole }) => {
    let folder: string;
    let loss: number;
    let model: ReferenceModel;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), "pairloom-full-"));
      const config = await loadModelConfig(name);
      [{ loss }] = openClip<[{ loss: number }]>(
        ["run", folder, String(batch)],
        [{ name, config: { ...config } }],
      );
      model = readReferenceModel(join(folder, name), config, name);
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    // wasm first: the engine that is loaded last stays TensorFlow.js's current one
    test.for(["wasm", "tensorflow"] as const)(
      "on %s gives open_clip's numbers",
      async (engineName, context) => {
        const reason = engineName === "tensorflow" ? await tensorflowReason() : null;
        if (reason !== null) return context.skip(reason);
        const engine: Engine = await loadEngine(engineName, { cacheDir, threads: 2 });
        expect(tf.getBackend()).toBe(engineName);
        const gaps: Gaps = new Map();
        const opened = new OpenedReference(model, gaps);
        try {
          await opened.expectInference(nearness);
          if (engineName === "wasm") return;
          const pass = opened.pass();
          expect(Math.abs((await pass.loss.data())[0]! / loss - 1), "loss").toBeLessThan(1e-5);
          expect(await opened.expectPass(pass, nearness)).toBeLessThan(whole);
          disposePass(pass);
        } finally {
          if (process.env["PAIRLOOM_SHOW"]) console.log([...gaps].sort((a, b) => b[1] - a[1]).slice(0, 12));
          opened.dispose();
          await engine.dispose();
        }
      },
    );
  },
);

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseModelConfig } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import * as tf from "@tensorflow/tfjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  disposePass,
  type Gaps,
  OpenedReference,
  readReferenceModel,
} from "../../packages/clip/test/referenceModel.js";
import { cacheDir, tensorflowReason } from "../engines/installation.js";
import { variants } from "./modelVariants.js";
import { openClip, openClipReason } from "./openClip.js";

if (openClipReason !== null) console.log(`models' numbers beside open_clip's are skipped: ${openClipReason}`);

let folder: string;
let losses: Map<string, number>;
beforeAll(() => {
  if (openClipReason !== null) return;
  folder = mkdtempSync(join(tmpdir(), "pairloom-variants-"));
  const ran = openClip<{ name: string; loss: number }[]>(["run", folder, "6"], variants);
  losses = new Map(ran.map(({ name, loss }) => [name, loss]));
});
afterAll(() => {
  if (openClipReason === null) rmSync(folder, { recursive: true });
});

// wasm first: the engine that is loaded last stays TensorFlow.js's current one
describe.skipIf(openClipReason !== null).each(["wasm", "tensorflow"] as const)("on %s", (name) => {
  let engine: Engine | null = null;
  let reason: string | null = null;
  const worst: Gaps = new Map();
  beforeAll(async () => {
    if (name === "tensorflow") reason = await tensorflowReason();
    if (reason === null) engine = await loadEngine(name, { cacheDir, threads: 2 });
    else console.warn(`skipped: the ${name} engine: ${reason}`);
  });
  afterAll(async () => {
    if (process.env["PAIRLOOM_SHOW"]) console.log(name, [...worst].sort((a, b) => b[1] - a[1]).slice(0, 8));
    await engine?.dispose();
  });

  test.for(variants)(
    "$name: features, loss and every gradient are open_clip's",
    async ({ name, config }, context) => {
      if (engine === null) return context.skip(reason!);
      expect(tf.getBackend()).toBe(engine.name);
      const gaps: Gaps = new Map();
      const parsed = parseModelConfig(config);
      const opened = new OpenedReference(readReferenceModel(join(folder, name), parsed, name), gaps);
      const nearness = { forward: 1e-5, gradient: 1e-4 };
      try {
        await opened.expectInference(nearness);
        const pass = opened.pass();
        const loss = (await pass.loss.data())[0]!;
        expect(Math.abs(loss / losses.get(name)! - 1), "loss").toBeLessThan(1e-5);
        await opened.expectPass(pass, nearness);
        disposePass(pass);
      } finally {
        opened.dispose();
        gaps.forEach((gap, what) => worst.set(`${name}: ${what}`, gap));
      }
    },
  );
});

import { readFileSync } from "node:fs";
import type * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";
import { type LossAndGradients, parseModelConfig, readSafetensors } from "../src/index.js";
import type { AdamWSettings } from "./referenceAdamW.js";
import {
  disposePass,
  type Gaps,
  type Nearness,
  OpenedReference,
  readReferenceModel,
} from "./referenceModel.js";

/** What the `.json` beside a reference model of fixtures/parity says. */
export interface ReferenceFacts {
  readonly config: object;
  readonly quick_gelu: boolean;
  readonly hyper: AdamWSettings & { readonly steps: number };
  readonly fp64: { readonly "eval.loss": number; readonly losses: number[]; readonly grad_norms: number[] };
  /** Gradients that are zero by mathematics: Adam makes whole steps of their rounding. */
  readonly zero_gradient_parameters: Record<string, number>;
}

/** How near three steps must come beside the first pass. */
export interface StepsNearness extends Nearness {
  /** Of the losses and norms, the first and the later. */
  readonly first: number;
  readonly later: number;
  /** Of parameters and running statistics after the last step; or a judgement of its own. */
  readonly stepped:
    number | ((key: string, start: Float32Array, ours: Float32Array, theirs: Float32Array) => void);
}

/** An optimizer's step: moves parameters and running statistics, gives the gradients' norm before clipping. */
export type Update = (
  parameters: ReadonlyMap<string, tf.Variable>,
  pass: LossAndGradients,
  step: number,
) => number | Promise<number>;

/**
 * One of the models of fixtures/parity (or of another folder of the same form) on TensorFlow.js's current back end:
 * inference, the first pass's gradients, and three AdamW steps must come as near as asked for.
 *
 * @param optimizer makes the optimizer of the reference's settings
 */
export async function expectReferenceSteps(
  stem: string,
  optimizer: (settings: AdamWSettings) => Update,
  nearness: StepsNearness,
): Promise<Gaps> {
  const facts = JSON.parse(readFileSync(`${stem}.json`, "utf8")) as ReferenceFacts;
  const { hyper, fp64, zero_gradient_parameters: zeros } = facts;
  const config = parseModelConfig({ ...facts.config, quick_gelu: facts.quick_gelu });
  const model = readReferenceModel(stem, config, stem.split("/").at(-1)!);
  const gaps: Gaps = new Map();
  const opened = new OpenedReference(model, gaps);
  const nearNumber = (ours: number, theirs: number, what: string, allowed: number) => {
    gaps.set(what, Math.abs(ours / theirs - 1));
    expect(gaps.get(what), what).toBeLessThan(allowed);
  };
  nearNumber(await opened.expectInference(nearness), fp64["eval.loss"], "loss in inference", nearness.first);
  const update = optimizer(hyper);
  for (let step = 0; step < hyper.steps; step++) {
    const pass = opened.pass();
    const allowed = step === 0 ? nearness.first : nearness.later;
    nearNumber((await pass.loss.data())[0]!, fp64.losses[step]!, `loss ${step}`, allowed);
    if (step === 0) await opened.expectPass(pass, nearness);
    const norm = await update(opened.parameters, pass, step + 1);
    nearNumber(norm, fp64.grad_norms[step]!, `norm ${step}`, allowed);
    disposePass(pass);
  }
  // the reference took its loss after the last step in training mode: one more update of the running statistics
  opened.moveStatistics();
  const after = readSafetensors(readFileSync(`${stem}.step${hyper.steps}.safetensors`));
  for (const [key, tensor] of await opened.state()) {
    const theirs = after.get(`step${hyper.steps}.${key}`);
    if (theirs === undefined) {
      expect(key).toMatch(/num_batches_tracked$/);
      expect(tensor.data[0]).toBe(BigInt(hyper.steps + 1) + BigInt(model.weights.get(key)!.data[0]!));
    } else if (!(`grad.${key}` in zeros)) {
      const ours = tensor.data as Float32Array;
      const start = model.weights.get(key)!.data as Float32Array;
      if (typeof nearness.stepped === "number") {
        opened.expectNear(ours, theirs, `${key} after the steps`, nearness.stepped);
      } else nearness.stepped(key, start, ours, theirs.data as Float32Array);
    }
  }
  opened.dispose();
  return gaps;
}

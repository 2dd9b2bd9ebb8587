import { readFileSync } from "node:fs";
import * as tf from "@tensorflow/tfjs";
import { expect } from "vitest";
import {
  checkStateDict,
  clipLogits,
  clipLoss,
  createParameters,
  disposeParameters,
  encodeImage,
  encodeText,
  type HostTensor,
  lossAndGradients,
  type LossAndGradients,
  type ModelConfig,
  normalizeFeatures,
  type PassOptions,
  readParameters,
  readSafetensors,
  stateShapes,
  toHostTensor,
} from "../src/index.js";

/** A model's weights, a batch, and what open_clip makes of them on PyTorch. */
export interface ReferenceModel {
  readonly name: string;
  readonly config: ModelConfig;
  readonly weights: ReadonlyMap<string, HostTensor>;
  /** `in.…`: the batch; `eval.…` and `train.…`: features, logits; `grad.…`; `after.…`: running statistics moved once. */
  readonly reference: ReadonlyMap<string, HostTensor>;
}

/** How near a model must come: largest difference over a tensor's largest reference value. */
export interface Nearness {
  readonly forward: number;
  readonly gradient: number;
}

/** Where differences go; a test that shows them collects them here. */
export type Gaps = Map<string, number>;

/** Numbers smaller than this everywhere are zero by mathematics, as gradients of key biases are. */
const zero = 1e-7;
const zeroGradient = 1e-6;

export function readReferenceModel(stem: string, config: ModelConfig, name: string): ReferenceModel {
  const read = (part: string) => readSafetensors(readFileSync(`${stem}.${part}.safetensors`));
  return { name, config, weights: read("weights"), reference: read("reference") };
}

/** Largest difference over the largest reference value. */
export function relativeGap(ours: ArrayLike<number>, { data }: HostTensor): number {
  const theirs = data as Float32Array;
  expect(ours.length).toBe(theirs.length);
  let [difference, largest] = [0, 0];
  for (let i = 0; i < theirs.length; i++) {
    const gap = Math.abs(ours[i]! - theirs[i]!);
    difference = Number.isNaN(gap) ? Infinity : Math.max(difference, gap);
    largest = Math.max(largest, Math.abs(theirs[i]!));
  }
  return largest === 0 ? difference : difference / largest;
}

/** A reference model on TensorFlow.js's current back end. `dispose` it. */
export class OpenedReference {
  readonly parameters: Map<string, tf.Variable>;
  readonly images: tf.Tensor4D;
  readonly tokens: tf.Tensor2D;
  readonly options: PassOptions;

  constructor(
    private readonly model: ReferenceModel,
    private readonly gaps: Gaps = new Map(),
  ) {
    const { config, weights, reference } = model;
    this.parameters = createParameters(config, checkStateDict(weights, config));
    const pixels = reference.get("in.images")!;
    const turned = tf.tensor4d(pixels.data as Float32Array, pixels.shape as [number, number, number, number]);
    this.images = tf.transpose(turned, [0, 2, 3, 1]);
    turned.dispose();
    this.tokens = this.wholeNumbers("in.tokens")!;
    const keptPatches = this.wholeNumbers("in.kept");
    this.options = keptPatches === undefined ? {} : { keptPatches };
  }

  private wholeNumbers(key: string): tf.Tensor2D | undefined {
    const found = this.model.reference.get(key);
    if (found === undefined) return undefined;
    return tf.tensor2d(found.data as Int32Array, found.shape as [number, number], "int32");
  }

  /** Features, normalised and not, and logits in inference. Returns CLIP's loss. */
  async expectInference({ forward }: Pick<Nearness, "forward">): Promise<number> {
    const { parameters, images, tokens } = this;
    const { config, reference } = this.model;
    const outputs = tf.tidy(() => {
      const rawImage = encodeImage(parameters, config, images).features;
      const rawText = encodeText(parameters, config, tokens);
      const [image, text] = [normalizeFeatures(rawImage), normalizeFeatures(rawText)];
      const scale = tf.exp(parameters.get("logit_scale")!);
      return {
        "eval.image_features_raw": rawImage,
        "eval.text_features_raw": rawText,
        "eval.image_features": image,
        "eval.text_features": text,
        "eval.logits_per_image": clipLogits(image, text, scale, parameters.get("logit_bias") ?? null),
        loss: clipLoss(image, text, scale),
      };
    });
    const { loss, ...features } = outputs;
    for (const [key, output] of Object.entries(features)) {
      this.expectNear(await output.data<"float32">(), reference.get(key)!, key, forward);
    }
    const value = (await loss.data())[0]!;
    tf.dispose(outputs);
    return value;
  }

  /** Both towers and the loss in training mode; the caller disposes the pass. */
  pass(): LossAndGradients {
    return lossAndGradients(this.parameters, this.model.config, this.images, this.tokens, this.options);
  }

  /**
   * A pass's features, the gradient of every parameter, and the running statistics that it leaves.
   *
   * @returns the length of the difference of the whole gradients over the length of the reference's
   */
  async expectPass(pass: LossAndGradients, { forward, gradient: allowed }: Nearness): Promise<number> {
    const { config, reference } = this.model;
    for (const [key, output] of [
      ["train.image_features", pass.imageFeatures],
      ["train.text_features", pass.textFeatures],
    ] as const) {
      this.expectNear(await output.data<"float32">(), reference.get(key)!, key, forward);
    }
    const wanted = [...reference.keys()].filter((key) => key.startsWith("grad."));
    expect(wanted.sort()).toEqual([...pass.gradients.keys()].map((key) => `grad.${key}`).sort());
    const shapes = stateShapes(config);
    const whole = { difference: 0, reference: 0 };
    for (const [key, tensor] of [...pass.gradients, ...pass.batchStatistics]) {
      const part = pass.gradients.has(key) ? "grad" : "after";
      const theirs = reference.get(`${part}.${key}`);
      if (theirs === undefined) continue;
      const ours = toHostTensor(shapes.get(key)!, await tensor.data<"float32">());
      if (ours.dtype === "I64") expect(ours.data, key).toEqual(theirs.data);
      else if (part === "after") this.expectNear(ours.data as Float32Array, theirs, key, forward);
      else if (largestOf(theirs) < zero) {
        expect(largestOf(ours), `gradient of ${key}`).toBeLessThan(zeroGradient);
      } else {
        const [a, b] = [ours.data as Float32Array, theirs.data as Float32Array];
        this.expectNear(a, theirs, `gradient of ${key}`, allowed);
        whole.difference += a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
        whole.reference += b.reduce((sum, value) => sum + value ** 2, 0);
      }
    }
    const gap = Math.sqrt(whole.difference / whole.reference);
    this.gaps.set("the whole gradient", gap);
    return gap;
  }

  /** The model's state as it is now, in open_clip's layout. */
  async state(): Promise<ReadonlyMap<string, HostTensor>> {
    return await readParameters(this.model.config, this.parameters);
  }

  /** Moves the running statistics by one more forward pass in training mode. */
  moveStatistics(): void {
    const { features, batchStatistics } = encodeImage(this.parameters, this.model.config, this.images, {
      training: true,
    });
    for (const [key, statistic] of batchStatistics) this.parameters.get(key)!.assign(statistic);
    tf.dispose([features, ...batchStatistics.values()]);
  }

  expectNear(ours: ArrayLike<number>, theirs: HostTensor, what: string, allowed: number): void {
    const gap = relativeGap(ours, theirs);
    this.gaps.set(what, gap);
    expect(gap, `${this.model.name}: ${what}`).toBeLessThan(allowed);
  }

  dispose(): void {
    disposeParameters(this.parameters);
    tf.dispose([this.images, this.tokens, this.options.keptPatches ?? []]);
  }
}

export function disposePass(pass: LossAndGradients): void {
  tf.dispose([pass.loss, pass.imageFeatures, pass.textFeatures]);
  tf.dispose([...pass.gradients.values(), ...pass.batchStatistics.values()]);
}

function largestOf({ data }: HostTensor): number {
  return (data as Float32Array).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

import * as tf from "@tensorflow/tfjs";
import { beforeAll, describe, expect, test } from "vitest";
import {
  checkStateDict,
  clipLoss,
  createParameters,
  encodeImage,
  encodeText,
  initialParameters,
  lossAndGradients,
  normalizeFeatures,
  parseModelConfig,
  RandomNumbers,
  readParameters,
  siglipLoss,
  stateShapes,
  type ModelConfig,
} from "../src/index.js";
import { gelu, tanhGelu } from "../src/ops/gelu.js";
import { quickGelu } from "../src/ops/quickGelu.js";
import { registerFilterGradient } from "./filterGradientKernel.js";

const text_cfg = { context_length: 6, vocab_size: 40, width: 16, heads: 2, layers: 1 };
/** Corners of the schema that the reference models don't visit. */
const configs: [name: string, config: unknown][] = [
  [
    "a ViT with layer scale, mean pooling, tanh GELU and SigLIP's bias",
    {
      embed_dim: 8,
      vision_cfg: {
        ...{ image_size: [17, 9], patch_size: 4, width: 16, layers: 1, head_width: 8, ls_init_value: 0.5 },
        ...{
          pool_type: "avg",
          final_ln_after_pool: true,
          no_ln_pre: true,
          act_kwargs: { approximate: "tanh" },
        },
      },
      text_cfg: { ...text_cfg, no_causal_mask: true, pool_type: "last", proj_bias: true, ls_init_value: 0.5 },
      init_logit_bias: -3,
    },
  ],
  [
    "a ResNet with exact GELU in the text tower",
    {
      embed_dim: 8,
      vision_cfg: { image_size: 32, width: 2, layers: [1, 2, 1, 1], head_width: 16 },
      text_cfg: { ...text_cfg, pool_type: "eos", eos_id: 39 },
    },
  ],
  [
    "a ViT with sine positions",
    {
      embed_dim: 16,
      vision_cfg: {
        image_size: 8,
        patch_size: 4,
        width: 16,
        layers: 1,
        head_width: 8,
        pos_embed_type: "sin_cos_2d",
      },
      text_cfg: { ...text_cfg, pool_type: "first", proj_type: "none" },
      quick_gelu: true,
    },
  ],
];

/** Random state (no zeros that would hide errors), images and tokens. */
function setUp(config: ModelConfig, batch: number) {
  const state = initialParameters(config, 1);
  for (const [key, { data }] of state) {
    if (!(data instanceof Float32Array) || /logit_|running_var/.test(key)) continue;
    const random = new RandomNumbers(2, key);
    for (let i = 0; i < data.length; i++) data[i]! += 0.1 * random.normal();
  }
  const random = new RandomNumbers(3, "inputs");
  const size = config.vision_cfg.image_size;
  const [height, width] = typeof size === "number" ? [size, size] : size;
  const pixels = Float32Array.from({ length: batch * height * width * 3 }, () => random.normal());
  const { context_length: length, vocab_size: vocabulary } = config.text_cfg;
  const ids = Int32Array.from({ length: batch * length }, (_, i) =>
    i % length === length - 1 ? vocabulary - 1 : random.integer(1, vocabulary - 1),
  );
  return {
    parameters: createParameters(config, state),
    state,
    images: tf.tensor4d(pixels, [batch, height, width, 3]),
    tokens: tf.tensor2d(ids, [batch, length], "int32"),
  };
}

/** The loss in training mode, forward alone. */
function lossOf(
  parameters: ReadonlyMap<string, tf.Variable>,
  config: ModelConfig,
  images: tf.Tensor4D,
  tokens: tf.Tensor2D,
): tf.Scalar {
  const image = normalizeFeatures(encodeImage(parameters, config, images, { training: true }).features);
  const text = normalizeFeatures(encodeText(parameters, config, tokens));
  const scale = tf.exp(parameters.get("logit_scale")!);
  const bias = parameters.get("logit_bias");
  return bias === undefined ? clipLoss(image, text, scale) : siglipLoss(image, text, scale, bias);
}

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerFilterGradient();
});

describe.each(configs)("%s", (_, json) => {
  const config = parseModelConfig(json);

  test("gradients agree with finite differences along a random direction", () => {
    const { parameters, images, tokens } = setUp(config, 4);
    const shapes = stateShapes(config);
    const pass = lossAndGradients(parameters, config, images, tokens);
    const values = new Map<string, Float32Array>();
    for (const [key, variable] of parameters) values.set(key, Float32Array.from(variable.dataSync()));
    const lossAt = (key: string, direction: Float32Array, step: number): number => {
      const variable = parameters.get(key)!;
      const moved = Float32Array.from(values.get(key)!, (value, i) => value + step * direction[i]!);
      variable.assign(tf.tensor(moved, variable.shape));
      const loss = tf.tidy(() => lossOf(parameters, config, images, tokens).dataSync()[0]!);
      variable.assign(tf.tensor(values.get(key)!, variable.shape));
      return loss;
    };
    const trainable = [...shapes].filter(([, entry]) => entry.kind === "parameter" && entry.fixed !== true);
    expect(pass.gradients.size).toBe(trainable.length);
    // one parameter of each sort is enough: the reference models test every one
    const sorts = new Map(trainable.map(([key]) => [key.replace(/\d+/g, "").replace(/^visual\./, ""), key]));
    for (const key of sorts.values()) {
      // rectifiers have corners, where differences say little
      if (/conv|bn|downsample/.test(key) && typeof config.vision_cfg.layers !== "number") continue;
      const gradient = pass.gradients.get(key)!.dataSync<"float32">();
      const random = new RandomNumbers(4, key);
      const direction = Float32Array.from(gradient, () => random.normal());
      const slope = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      const step = 3e-3 / Math.sqrt(direction.reduce((sum, d) => sum + d * d, 0));
      const measured = (lossAt(key, direction, step) - lossAt(key, direction, -step)) / (2 * step);
      const scale = Math.max(Math.abs(slope), Math.abs(measured), 0.02 / (2 * step) / 100);
      expect(Math.abs(measured - slope) / scale, key).toBeLessThan(0.06);
    }
  }, 60_000);

  test("a pass leaves no tensor behind but what it returns", () => {
    const { parameters, images, tokens } = setUp(config, 2);
    const before = tf.memory().numTensors;
    const pass = lossAndGradients(parameters, config, images, tokens);
    tf.dispose([pass.loss, pass.imageFeatures, pass.textFeatures]);
    tf.dispose([...pass.gradients.values(), ...pass.batchStatistics.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("its state goes through the engine unchanged", async () => {
    const { parameters, state } = setUp(config, 1);
    const back = await readParameters(config, parameters);
    expect([...back.keys()]).toEqual([...state.keys()]);
    for (const [key, tensor] of checkStateDict(back, config)) {
      expect(
        Buffer.compare(Buffer.from(tensor.data.buffer), Buffer.from(state.get(key)!.data.buffer)),
        key,
      ).toBe(0);
    }
  });
});

describe("the text tower", () => {
  test("sees no token behind the end of the text, and every token before it", () => {
    const config = parseModelConfig({
      ...(configs[1]![1] as object),
      text_cfg: { ...text_cfg, layers: 2 },
    });
    const { parameters } = setUp(config, 1);
    const encode = (ids: number[]) => [
      ...encodeText(parameters, config, tf.tensor2d([ids], [1, 6], "int32")).dataSync(),
    ];
    const plain = encode([38, 5, 39, 0, 0, 0]);
    expect(encode([38, 5, 39, 7, 8, 9])).toEqual(plain);
    expect(encode([38, 6, 39, 0, 0, 0])).not.toEqual(plain);
    expect(encode([37, 5, 39, 0, 0, 0])).not.toEqual(plain);
  });
});

describe("activations", () => {
  const points = [-4, -1.5, -0.1, 0, 0.3, 1, 5];
  const close = (ours: tf.Tensor, expected: number[]) => {
    ours.dataSync().forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6));
  };
  test("have PyTorch's values", () => {
    // torch.nn.functional.gelu(x), gelu(x, approximate="tanh"), x * sigmoid(1.702 * x) in float64
    const x = tf.tensor1d(points);
    const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));
    close(
      quickGelu(x),
      points.map((t) => t * sigmoid(1.702 * t)),
    );
    close(gelu(x), [-0.00012668497, -0.1002108, -0.04601722, 0, 0.18537343, 0.84134475, 4.99999857]);
    const inner = (t: number) => Math.sqrt(2 / Math.PI) * (t + 0.044715 * t ** 3);
    close(
      tanhGelu(x),
      points.map((t) => (t / 2) * (1 + Math.tanh(inner(t)))),
    );
  });
});

describe("SigLIP's loss", () => {
  test("is the sum over pairs of −log σ(±logit), by the batch", () => {
    const image = [
      [1, 0],
      [0.6, 0.8],
    ];
    const words = [
      [0.8, 0.6],
      [0, 1],
    ];
    let expected = 0;
    image.forEach((a, i) => {
      words.forEach((b, j) => {
        const logit = 10 * (a[0]! * b[0]! + a[1]! * b[1]!) - 5;
        expected += Math.log1p(Math.exp(i === j ? -logit : logit)) / 2;
      });
    });
    const loss = siglipLoss(tf.tensor2d(image), tf.tensor2d(words), tf.scalar(10), tf.scalar(-5));
    expect(loss.dataSync()[0]).toBeCloseTo(expected, 5);
  });
});

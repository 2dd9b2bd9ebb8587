// Trains a small two-tower for some steps on one engine and prints what it saw as one line of JSON.
// Run by agreement.test.ts: node trainSmallModel.mjs ENGINE CACHE MODEL THREADS
import { createParameters, initialParameters, lossAndGradients, parseModelConfig } from "@pairloom/clip";
import { loadEngine } from "@pairloom/engine";

const [name, cacheDir, model, threads] = process.argv.slice(2);
const { tf, ops, version, dispose } = await loadEngine(name, { cacheDir, threads: Number(threads) });
const towers = {
  vit: { image_size: 32, layers: 2, width: 64, head_width: 32, patch_size: 8 },
  resnet: { image_size: 64, layers: [1, 1, 1, 1], width: 16, patch_size: null },
};
const text_cfg = { context_length: 12, vocab_size: 300, width: 64, heads: 2, layers: 2 };
const config = parseModelConfig(
  { embed_dim: 32, quick_gelu: true, vision_cfg: towers[model], text_cfg },
  model,
);
const parameters = createParameters(config, initialParameters(config, 1));
const batch = 8;
const side = towers[model].image_size;
// A fixed formula: the engines' own random numbers need not agree
const pixels = Float32Array.from(
  { length: batch * side * side * 3 },
  (_, i) => Math.sin(i * 0.7) + Math.cos(i * 0.013),
);
const images = tf.tensor4d(pixels, [batch, side, side, 3]);
const ids = Int32Array.from({ length: batch * 12 }, (_, i) => (i % 12 === 11 ? 299 : 1 + ((i * 7919) % 297)));
const tokens = tf.tensor2d(ids, [batch, 12], "int32");
const zeros = (v) => tf.tidy(() => tf.variable(tf.zeros(v.shape)));
const moments = new Map(
  [...parameters].filter(([, v]) => v.trainable).map(([key, v]) => [key, [zeros(v), zeros(v)]]),
);

const trace = { engine: name, version, losses: [], norms: [], gradients: {}, tensors: [], gpuBytes: [] };
for (let step = 1; step <= 6; step++) {
  const result = lossAndGradients(parameters, config, images, tokens);
  trace.losses.push((await result.loss.data())[0]);
  const norm = ops.squaredNorm([...result.gradients.values()]);
  trace.norms.push(Math.sqrt((await norm.data())[0]));
  const rates = tf.tensor1d([1, 1e-3, 1 / (1 - 0.9 ** step), 1 / Math.sqrt(1 - 0.98 ** step), 1]);
  for (const [key, gradient] of result.gradients) {
    if (step === 1) {
      const values = Array.from(await gradient.data());
      const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      trace.gradients[key] = { scale, sample: values.filter((_, i) => i % 37 === 0) };
    }
    const [first, second] = moments.get(key);
    const settings = { rateScale: 1, beta1: 0.9, beta2: 0.98, epsilon: 1e-6, weightDecay: 0.2 };
    ops.adamwStep(parameters.get(key), first, second, gradient, rates, settings);
  }
  for (const [key, statistic] of result.batchStatistics) {
    parameters.get(key).assign(statistic);
    statistic.dispose();
  }
  tf.dispose([
    norm,
    rates,
    result.loss,
    result.imageFeatures,
    result.textFeatures,
    ...result.gradients.values(),
  ]);
  trace.tensors.push(tf.memory().numTensors);
  trace.gpuBytes.push(tf.memory().numBytesAllocatedInGPU ?? 0);
}
console.log(JSON.stringify(trace));
await dispose();

// Trains a small two-tower by packages/training's step on the tensorflow engine, and prints what it saw as one line of JSON.
// Run by stepTrace.ts: node trainSteps.mjs '{"cacheDir":…,"model":"vit","steps":50,…}'
import { createHash } from "node:crypto";
import { initialParameters, parseModelConfig } from "@pairloom/clip";
import { eagerPrograms, loadEngine } from "@pairloom/engine";
import { accumulates, openTrainingStep, resolveTrainSettings, StepVariables } from "@pairloom/training";
import { structuredPairs } from "./structuredPairs.mjs";

const { cacheDir, model, steps, compiled, xla, lr, nudge, settings: given } = JSON.parse(process.argv[2]);
const loaded = await loadEngine("tensorflow", { cacheDir, threads: 2, xla });
const engine = compiled ? loaded : { ...loaded, openPrograms: eagerPrograms };
const towers = {
  vit: { image_size: 32, layers: 2, width: 64, head_width: 32, patch_size: 8 },
  resnet: { image_size: 64, layers: [1, 1, 1, 1], width: 16, patch_size: null },
};
const text_cfg = { context_length: 12, vocab_size: 300, width: 64, heads: 2, layers: 2 };
const config = parseModelConfig(
  { embed_dim: 32, quick_gelu: model === "vit", vision_cfg: towers[model], text_cfg },
  model,
);
const settings = resolveTrainSettings(
  { data: "-", out: "-", batchSize: 32, steps, warmup: 0, weightDecay: 0.1, gradClip: 1, xla, ...given },
  model,
);
const variables = new StepVariables(config, initialParameters(config, 1), settings, {
  accumulates: accumulates(settings),
});
const step = openTrainingStep(engine, variables, settings);
const { tf } = engine;
const trace = { losses: [], norms: [], tensors: [], milliseconds: [] };
const pairs = structuredPairs({
  batchSize: settings.batchSize,
  side: towers[model].image_size,
  context: text_cfg.context_length,
  seed: 1,
});
for (let number = 1; number <= steps; number++) {
  const { value: batch } = pairs.next();
  if (nudge && number === 1) {
    // one last digit
    const bits = new Uint32Array(batch.images.buffer);
    bits[batch.images.length / 2]++;
  }
  const from = performance.now();
  const result = await step.run(batch, number, lr);
  trace.milliseconds.push(performance.now() - from);
  if (result.refused !== null) throw new Error(`step ${number}: ${result.refused}`);
  trace.losses.push(result.loss);
  trace.norms.push(result.gradientNorm);
  trace.tensors.push(tf.memory().numTensors);
}
const hash = createHash("sha256");
await step.withVariables(async () => {
  for (const [name, variable] of variables.all()) {
    const values = await variable.data();
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
});
step.dispose();
variables.dispose();
console.log(JSON.stringify({ ...trace, variables: hash.digest("hex") }));
await engine.dispose();

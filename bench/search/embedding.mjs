// Pictures a second of embedding a release, beside the engine alone on pixels that are ready, in turns.
//   node bench/search/embedding.mjs RELEASE [model=tiny] [engine=tensorflow] [pictures=1500]
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createParameters, imageSize, initialParameters, loadModelConfig } from "@pairloom/clip";
import { loadEngine } from "@pairloom/engine";
import { embedBatches, imageFeatures, PreprocessThreads } from "@pairloom/evaluation";
import { openShards } from "@pairloom/shards";
import { createTokenizer } from "@pairloom/tokenizer";

const [release, name = "tiny", engineName = "tensorflow", countText = "1500"] = process.argv.slice(2);
const batchSize = 64;
const config = await loadModelConfig(name);
const engine = await loadEngine(engineName, {
  cacheDir: process.env.PAIRLOOM_CACHE ?? join(homedir(), ".cache/pairloom"),
});
const model = {
  config,
  parameters: createParameters(config, initialParameters(config, 1)),
  tokenizer: createTokenizer(),
};
const [height, width] = imageSize(config.vision_cfg);
const pixels = new Float32Array(batchSize * height * width * 3).fill(0.1);
const pictures = [];
for await (const { image } of await openShards(release)) {
  pictures.push({ image: Buffer.from(image) });
  if (pictures.length === Number(countText)) break;
}
async function* stream() {
  yield* pictures;
}
const rate = async (count, work) => {
  const start = performance.now();
  await work();
  return count / ((performance.now() - start) / 1000);
};
const threads = new PreprocessThreads([height, width]);
const whole = (preprocess) => async () => {
  for await (const batch of embedBatches(model, stream(), { batchSize, preprocess })) void batch;
};
await imageFeatures(model, pixels, batchSize);
const best = { engineAlone: 0, threads: 0, oneThread: 0 };
for (let round = 0; round < 3; round++) {
  const engineAlone = await rate(pictures.length, async () => {
    for (let done = 0; done < pictures.length; done += batchSize)
      await imageFeatures(model, pixels, batchSize);
  });
  const withThreads = await rate(
    pictures.length,
    whole((image) => threads.preprocess(image)),
  );
  const oneThread = await rate(pictures.length, whole());
  best.engineAlone = Math.max(best.engineAlone, engineAlone);
  best.threads = Math.max(best.threads, withThreads);
  best.oneThread = Math.max(best.oneThread, oneThread);
}
await threads.close();
console.log(
  JSON.stringify({
    model: name,
    engine: engineName,
    pictures: pictures.length,
    perSecond: Object.fromEntries(Object.entries(best).map(([k, v]) => [k, Math.round(v * 10) / 10])),
  }),
);
process.exit();

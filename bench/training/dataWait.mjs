// What a training step waits for its data, and what a sample costs, beside sharp alone on the same files in this run.
//   node bench/training/dataWait.mjs [--step busy|tensorflow|wasm] [--busy-ms 250] [--steps 60] [--workers 1]
//     [--cached] [--crop square|resized] [--samples 20000] [--side 256] [--batch-size 64] [--folder /tmp/…]
// The model is the small two-tower (64 px). `busy` holds the thread and all other cores for --busy-ms a step.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { availableParallelism, homedir, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { openShards } from "@pairloom/shards";
import { openRelease, openTrainingData, resolveTrainSettings, train } from "@pairloom/training";
import sharp from "sharp";
import { makeWdsFolder } from "./wdsFolder.mjs";

const { values } = parseArgs({
  options: {
    step: { type: "string", default: "busy" },
    "busy-ms": { type: "string", default: "250" },
    steps: { type: "string", default: "60" },
    workers: { type: "string", default: "1" },
    cached: { type: "boolean", default: false },
    crop: { type: "string", default: "square" },
    samples: { type: "string", default: "20000" },
    side: { type: "string", default: "256" },
    "batch-size": { type: "string", default: "64" },
    folder: { type: "string" },
  },
});
const [busyMs, steps, workers, samples, side, batchSize] = [
  values["busy-ms"],
  values.steps,
  values.workers,
  values.samples,
  values.side,
  values["batch-size"],
].map(Number);
const model = {
  embed_dim: 128,
  vision_cfg: { image_size: 64, patch_size: 8, width: 128, layers: 4, head_width: 64 },
  text_cfg: { context_length: 32, vocab_size: 49408, width: 128, heads: 2, layers: 4 },
};
/** Steps that don't count: threads start, and the first batches have nobody to run behind. */
const warmUp = 6;
const round = (value, digits = 3) => Number(value.toPrecision(digits));

const folder = values.folder ?? join(tmpdir(), `pairloom-wds-${samples}-${side}`);
await makeWdsFolder(folder, samples, side);
const temporary = await mkdtemp(join(tmpdir(), "data-wait-"));
const config = join(temporary, "small.json");
await writeFile(config, JSON.stringify(model));
const settings = resolveTrainSettings({
  data: folder,
  model: config,
  out: join(temporary, "run"),
  steps: steps + warmUp,
  batchSize,
  dataWorkers: workers,
  crop: values.crop,
  cacheMegabytes: values.cached ? 2048 : 0,
  checkpointEvery: 1_000_000,
});

/** Runs `work` and gives wall and CPU milliseconds of the process. */
async function timed(work) {
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 };
}

/** The same files decoded and resized to the same size, and nothing else; as many at once as the loader has. */
async function bareSharp(count) {
  const files = [];
  for await (const { image } of await openShards(folder)) {
    if (files.push(Buffer.from(image)) === count) break;
  }
  const shorter = 64 + settings.cropMargin;
  // as the loader's threads
  sharp.cache(false);
  let next = 0;
  const lane = async () => {
    while (next < files.length) {
      const file = files[next++];
      await sharp(file).resize(shorter, shorter, { fit: "outside", kernel: "cubic" }).raw().toBuffer();
    }
  };
  const lanes = () => Promise.all(Array.from({ length: 2 * Math.max(1, workers) }, lane));
  const { wallMs, cpuMs } = await timed(lanes);
  return {
    samplesPerSecond: round((1000 * files.length) / wallMs),
    cpuMsPerSample: round(cpuMs / files.length),
  };
}

async function loaderAlone(data) {
  const batches = data.batches(0, null);
  const count = Math.min(steps, 40);
  for (let i = 0; i < warmUp; i++) await batches.next();
  const { wallMs, cpuMs } = await timed(async () => {
    for (let i = 0; i < count; i++) await batches.next();
  });
  await batches.return();
  return {
    batchesPerSecond: round((1000 * count) / wallMs),
    samplesPerSecond: round((1000 * count * batchSize) / wallMs),
    cpuMsPerSample: round(cpuMs / count / batchSize),
  };
}

/** Threads that keep the other cores busy while the flag is up, as a step's do. */
function spinners() {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const code = `const { workerData: flag } = require("node:worker_threads");
    for (;;) { Atomics.wait(flag, 0, 0); while (Atomics.load(flag, 0) === 1); }`;
  const threads = Array.from(
    { length: availableParallelism() - 1 },
    () => new Worker(code, { eval: true, workerData: flag }),
  );
  return {
    spin(ms) {
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
      const until = performance.now() + ms;
      while (performance.now() < until);
      Atomics.store(flag, 0, 0);
    },
    end: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

async function busySteps(data) {
  const cores = spinners();
  const batches = data.batches(0, null);
  const waits = [];
  for (let step = 0; step < steps + warmUp; step++) {
    const from = performance.now();
    await setImmediate();
    await batches.next();
    waits.push({ dataWaitMs: performance.now() - from, stepMs: busyMs });
    cores.spin(busyMs);
  }
  await batches.return();
  await cores.end();
  return waits;
}

async function engineSteps() {
  const { loadEngine } = await import("@pairloom/engine");
  const cacheDir = process.env.PAIRLOOM_CACHE ?? join(homedir(), ".cache", "pairloom");
  const engine = await loadEngine(values.step, { cacheDir });
  const waits = [];
  await train(settings, { engine, onStep: (metrics) => waits.push(metrics) });
  await engine.dispose();
  return waits;
}

const load = loadavg()[0];
const bare = await bareSharp(Math.min(samples, 2000));
const data = await openTrainingData(await openRelease(folder), settings, { ...model, quick_gelu: false });
const alone = await loaderAlone(data);
const waits = (values.step === "busy" ? await busySteps(data) : await engineSteps()).slice(warmUp);
const sum = (name) => waits.reduce((total, each) => total + each[name], 0);
const [waited, stepped] = [sum("dataWaitMs"), sum("stepMs")];
console.log(
  JSON.stringify({
    step: values.step,
    steps,
    batchSize,
    workers,
    crop: values.crop,
    cached: data.cached,
    loadBefore: round(load),
    bare,
    loader: { ...alone, shareOfBare: round(alone.samplesPerSecond / bare.samplesPerSecond) },
    cacheMegabytes: round(data.cacheBytes / 2 ** 20),
    batchMegabytes: round(data.batchBytes / 2 ** 20),
    residentMegabytes: Math.round(process.memoryUsage.rss() / 2 ** 20),
    stepMs: round(stepped / waits.length),
    waitMs: round(waited / waits.length),
    longestWaits: waits
      .map(({ dataWaitMs }, i) => ({ step: warmUp + i, ms: round(dataWaitMs) }))
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 5),
    waitShare: round(waited / (waited + stepped)),
  }),
);
await rm(temporary, { recursive: true });

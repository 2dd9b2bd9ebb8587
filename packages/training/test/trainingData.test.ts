import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTokenizer } from "@pairloom/tokenizer";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Batch } from "../src/data/batch.js";
import { openRelease } from "../src/data/openRelease.js";
import { openTrainingData, type TrainingData } from "../src/data/trainingData.js";
import { resolveTrainSettings, type TrainSettingsInput } from "../src/settings/trainSettings.js";
import { makeSmallRelease, smallModel } from "./smallRelease.js";

let folder: string;
let release: string;
beforeAll(async () => {
  ({ folder, release } = await makeSmallRelease());
});
afterAll(() => rm(folder, { recursive: true }));

const config = { ...smallModel, quick_gelu: false } as Parameters<typeof openTrainingData>[2];
const settingsOf = (more: TrainSettingsInput) =>
  resolveTrainSettings({ data: release, out: "run", steps: 8, batchSize: 5, seed: 3, ...more });
const open = async (more: TrainSettingsInput, data = release) =>
  openTrainingData(await openRelease(data), settingsOf(more), config);

/** A batch as a value that outlives the next one: digests of its arrays, and everything else. */
const kept = ({ images, tokens, ...rest }: Batch) => {
  const digest = (array: Float32Array | Int32Array) =>
    createHash("sha256")
      .update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength))
      .digest("hex");
  return { ...rest, images: digest(images), tokens: digest(tokens) };
};

async function take(data: TrainingData, count: number, step = 0, cursor: Batch["cursor"] = null) {
  const batches = data.batches(step, cursor);
  const taken: ReturnType<typeof kept>[] = [];
  try {
    for await (const batch of batches) {
      taken.push(kept(batch));
      if (taken.length === count) break;
    }
  } finally {
    await batches.return();
  }
  return taken;
}

const kinds: [string, TrainSettingsInput][] = [
  ["in memory", {}],
  ["in memory, captions apart", { keepCaptionsApart: true, crop: "resized" }],
  ["streamed", { cacheMegabytes: 0, shuffleWindow: 7 }],
  ["streamed, parts of random shape", { cacheMegabytes: 0, shuffleWindow: 7, crop: "resized" }],
  ["streamed, captions apart", { cacheMegabytes: 0, shuffleWindow: 17, keepCaptionsApart: true }],
];

test.each(kinds)(
  "50 batches are the same bytes with 0, 1, 2 and 3 threads (%s)",
  async (_, more) => {
    const expected = await take(await open({ ...more, dataWorkers: 0 }), 50);
    expect(new Set(expected.map(({ images }) => images)).size).toBe(50);
    for (const dataWorkers of [1, 2, 3]) {
      expect(await take(await open({ ...more, dataWorkers }), 50)).toEqual(expected);
    }
  },
  120_000,
);

test.each(kinds)(
  "from any step on the batches are those that would have come (%s)",
  async (_, more) => {
    const data = await open({ ...more, dataWorkers: 2 });
    const expected = await take(data, 12);
    for (const step of [1, 3, 4, 7, 9]) {
      expect(await take(data, 12 - step, step, expected[step - 1]!.cursor)).toEqual(expected.slice(step));
    }
  },
  120_000,
);

test("how many batches are ready ahead changes none of them", async () => {
  const expected = await take(await open({ cacheMegabytes: 0, shuffleWindow: 7, prefetch: 0 }), 9);
  expect(await take(await open({ cacheMegabytes: 0, shuffleWindow: 7, prefetch: 5 }), 9)).toEqual(expected);
});

test("tokens are those of the batch's texts", async () => {
  const batches = (await open({ dataWorkers: 2 })).batches(0, null);
  const { value } = await batches.next();
  const { tokens, texts } = value as Batch;
  expect([...tokens]).toEqual([...createTokenizer().tokenize(texts, 10)]);
  await batches.return();
});

test("batches that are ready are taken while the event loop stands still", async () => {
  const batches = (await open({ cacheMegabytes: 0, shuffleWindow: 7, prefetch: 3, dataWorkers: 1 })).batches(
    0,
    null,
  );
  await batches.next();
  const until = performance.now() + 1500;
  while (performance.now() < until);
  let turns = 0;
  const turn = () => {
    turns++;
    timer = setImmediate(turn);
  };
  let timer = setImmediate(turn);
  for (let i = 0; i < 3; i++) await batches.next();
  expect(turns).toBe(0);
  clearImmediate(timer);
  await batches.return();
});

test("no more batches are made ahead than are asked for", async () => {
  const data = await open({ prefetch: 2, dataWorkers: 2 });
  // three batches of 5 pictures of 16 by 16 and 10 tokens
  expect(data.batchBytes).toBe(3 * 5 * 4 * (16 * 16 * 3 + 10));
  const batches = data.batches(0, null);
  const first = (await batches.next()).value as Batch;
  const before = kept(first);
  await new Promise((done) => setTimeout(done, 300));
  expect(kept(first)).toEqual(before);
  await batches.return();
});

test("equal captions are kept apart in a stream too, and those that meet are counted", async () => {
  const counted = async (keepCaptionsApart: boolean) => {
    const more = { cacheMegabytes: 0, shuffleWindow: 24, keepCaptionsApart, captions: "first" as const };
    const batches = await take(await open({ ...more, batchSize: 6, dataWorkers: 1 }), 32);
    for (const { texts, falseNegatives } of batches) {
      const equal = texts.flatMap((text, i) => texts.slice(i + 1).filter((other) => other === text));
      expect(falseNegatives).toBe(equal.length);
    }
    return batches.reduce((sum, { falseNegatives }) => sum + falseNegatives, 0);
  };
  // 12 captions, each twice in a window of 24
  const plain = await counted(false);
  expect(plain).toBeGreaterThan(10);
  expect(await counted(true)).toBeLessThan(plain / 2);
});

test("a picture that can't be decoded is replaced by a pair of its batch, the same with any number of threads", async () => {
  const { folder: other, release: damaged } = await makeSmallRelease(20, { broken: [3, 4, 11] });
  try {
    const more = { cacheMegabytes: 0, shuffleWindow: 7 };
    const expected = await take(await open({ ...more, dataWorkers: 0 }, damaged), 8);
    expect(expected.reduce((sum, { replacedPictures }) => sum + replacedPictures, 0)).toBe(6);
    for (const { keys, replacedPictures, falseNegatives } of expected) {
      if (replacedPictures > 0) expect(falseNegatives).toBeGreaterThan(0);
      expect(new Set(keys).size).toBe(5 - replacedPictures);
    }
    expect(await take(await open({ ...more, dataWorkers: 3 }, damaged), 8)).toEqual(expected);
  } finally {
    await rm(other, { recursive: true });
  }
});

test("captions are looked at when the data are opened, in memory and streamed", async () => {
  const report = { sampled: 24, repeated: 1, truncated: 0 };
  expect((await open({})).captionReport).toEqual(report);
  expect((await open({ cacheMegabytes: 0 })).captionReport).toEqual(report);
});

test("an error of the reading thread is the error of the batch", async () => {
  const { folder: other, release: vanishing } = await makeSmallRelease();
  const data = await open({ cacheMegabytes: 0, dataWorkers: 2 }, vanishing);
  await rm(join(vanishing, "00001.tar"));
  await rm(join(vanishing, "00000.tar"));
  await expect(data.batches(0, null).next()).rejects.toMatchObject({ code: "data_thread_failed" });
  await writeFile(join(vanishing, "sizes.json"), "no json");
  await expect(data.batches(0, null).next()).rejects.toMatchObject({ code: "sizes_corrupt" });
  await rm(other, { recursive: true });
});

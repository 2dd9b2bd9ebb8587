import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createParameters, disposeParameters, initialParameters, parseModelConfig } from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import { findShards, packTar } from "@pairloom/shards";
import { openStore, type Store } from "@pairloom/storage";
import { createTokenizer } from "@pairloom/tokenizer";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { embedRelease } from "../src/embedRelease.js";
import { type EvaluatedModel, imageFeatures, textFeatures } from "../src/encodeFeatures.js";
import { featureRow } from "../src/featureTable.js";
import { preprocessPicture } from "../src/preprocessPicture.js";
import { openSearchIndex, searchFeature, searchSentence } from "../src/searchIndex.js";
import { classFeatures } from "../src/zeroShot.js";

const config = parseModelConfig({
  embed_dim: 16,
  vision_cfg: { image_size: 16, patch_size: 8, width: 16, layers: 1, head_width: 8 },
  text_cfg: { context_length: 10, vocab_size: 49408, width: 8, heads: 2, layers: 1 },
});
const colours = ["#d22", "#2a3", "#25d", "#111", "#eee", "#dd2"];

let engine: Engine;
let folder: string;
let store: Store;
let model: EvaluatedModel;
const pictures: Buffer[] = [];
beforeAll(async () => {
  engine = await loadEngine("wasm", { threads: 1 });
  model = {
    config,
    parameters: createParameters(config, initialParameters(config, 1)),
    tokenizer: createTokenizer(),
  };
  folder = await mkdtemp(join(tmpdir(), "index-"));
  for (const [shard, part] of [colours.slice(0, 4), colours.slice(4)].entries()) {
    const members = [];
    for (const [i, background] of part.entries()) {
      const image = await sharp({ create: { width: 20, height: 18, channels: 3, background } })
        .png()
        .toBuffer();
      pictures.push(image);
      const key = `0000${shard}000${i}`;
      members.push(
        { name: `${key}.png`, data: image },
        { name: `${key}.txt`, data: Buffer.from(`a ${background}`) },
      );
      members.push({
        name: `${key}.json`,
        data: Buffer.from(JSON.stringify({ url: `http://a.example/${key}` })),
      });
    }
    members.push(
      { name: "broken.png", data: Buffer.from("no picture") },
      { name: "broken.txt", data: Buffer.from("x") },
    );
    const parts: Buffer[] = [];
    for await (const chunk of packTar(members)) parts.push(chunk);
    await writeFile(join(folder, `0000${shard}.tar`), Buffer.concat(parts));
  }
  store = await openStore(folder, { readOnly: true });
});
afterAll(async () => {
  disposeParameters(model.parameters as never);
  await engine.dispose();
  await rm(folder, { recursive: true });
});

test.each(["F32", "F16"] as const)("an index in %s finds each picture by its own feature", async (dtype) => {
  const place = join(folder, dtype);
  const done = await embedRelease(store, await findShards(store), model, place, {
    fingerprint: "a",
    dtype,
    batchSize: 3,
  });
  expect(done).toEqual({ embedded: 6, skipped: 2 });
  const index = await openSearchIndex(place);
  for (const [i, picture] of pictures.entries()) {
    const own = await imageFeatures(model, await preprocessPicture(picture, 16));
    const [hit] = searchFeature(index, featureRow(own, 0), 1);
    expect(hit).toMatchObject({ text: `a ${colours[i]}`, url: `http://a.example/${hit!.key}` });
    expect(hit!.score).toBeCloseTo(1, dtype === "F32" ? 5 : 3);
  }
});

test("hits come best first, and no more than there are", async () => {
  const place = join(folder, "order");
  await embedRelease(store, await findShards(store), model, place, { fingerprint: "a" });
  const hits = await searchSentence(await openSearchIndex(place), model, "a red square", 100);
  expect(hits).toHaveLength(6);
  const scores = hits.map(({ score }) => score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
});

test("an index that was stopped between shards goes on, and finished shards are not embedded again", async () => {
  const place = join(folder, "stopped");
  const stop = new AbortController();
  const options = { fingerprint: "a", log: () => stop.abort(), signal: stop.signal };
  await expect(embedRelease(store, await findShards(store), model, place, options)).rejects.toThrow();
  const first = await stat(join(place, "00000.features"));
  expect(
    await embedRelease(store, await findShards(store), model, place, { fingerprint: "a" }),
  ).toMatchObject({
    embedded: 6,
  });
  expect((await stat(join(place, "00000.features"))).mtimeMs).toBe(first.mtimeMs);
  expect((await openSearchIndex(place)).samples).toHaveLength(6);
});

test("an index of other weights is refused, and a folder without one", async () => {
  const place = join(folder, "F32");
  const other = embedRelease(store, await findShards(store), model, place, {
    fingerprint: "b",
    dtype: "F32",
  });
  await expect(other).rejects.toMatchObject({ code: "index_differs" });
  await expect(openSearchIndex(join(folder, "nowhere"))).rejects.toMatchObject({ code: "index_missing" });
});

test("a class's feature is the normalised mean of its prompts' normalised features", async () => {
  const prompts = ["a star", "two stars"];
  const all = await textFeatures(model, prompts);
  const [one] = [await classFeatures(model, [prompts])];
  const sum = Array.from(featureRow(all, 0), (value, i) => value + featureRow(all, 1)[i]!);
  const length = Math.hypot(...sum);
  sum.forEach((value, i) => expect(one.data[i]).toBeCloseTo(value / length, 5));
});

test("features don't depend on how they are batched", async () => {
  const texts = Array.from({ length: 7 }, (_, i) => `text number ${i}`);
  const whole = await textFeatures(model, texts, 7);
  const parts = await textFeatures(model, texts, 3);
  whole.data.forEach((value, i) => expect(parts.data[i]).toBeCloseTo(value, 5));
});

test("a damaged file of features is told by the reader, not searched", async () => {
  const place = join(folder, "damaged");
  await embedRelease(store, await findShards(store), model, place, { fingerprint: "a" });
  const file = join(place, "00001.features");
  await writeFile(file, (await readFile(file)).subarray(0, 30));
  await expect(openSearchIndex(place)).rejects.toMatchObject({ code: "checkpoint_truncated" });
});

import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  clipPreprocessConfig,
  createParameters,
  disposeParameters,
  initialParameters,
  parseModelConfig,
  preprocessingOf,
} from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import { findShards, packTar } from "@pairloom/shards";
import { openStore, type Store } from "@pairloom/storage";
import { createTokenizer } from "@pairloom/tokenizer";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EvaluatedModel, imageFeatures, textFeatures } from "../src/encodeFeatures.js";
import { featureRow } from "../src/featureTable.js";
import { embedPictures } from "../src/embedPictures.js";
import { preprocessPicture } from "../src/preprocessPicture.js";
import { PreprocessThreads } from "../src/preprocessThreads.js";
import { type EmbedOptions, embedRelease } from "../src/search/embedRelease.js";
import { readShardPicture } from "../src/search/readShardPicture.js";
import { openSearchIndex, type SearchIndexOptions } from "../src/search/searchIndex.js";
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

async function embed(place: string, options: Partial<EmbedOptions> = {}, from = store) {
  return embedRelease(from, await findShards(from), model, place, {
    fingerprint: "a",
    threads: 1,
    ...options,
  });
}

async function search(place: string, query: Float32Array, count: number, options: SearchIndexOptions = {}) {
  const index = await openSearchIndex(place, options);
  try {
    return await index.search(query, count);
  } finally {
    await index.close();
  }
}

/** The bytes of an index's parts by name. */
async function partsOf(place: string): Promise<Record<string, string>> {
  const names = (await readdir(place)).filter((name) => name.endsWith(".safetensors")).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(place, name), "base64")])),
  ) as Record<string, string>;
}

const sentence = async (text: string) => featureRow(await textFeatures(model, [text]), 0);

test.each(["float16", "int8"] as const)(
  "an index in %s finds each picture by its own feature",
  async (kind) => {
    const place = join(folder, kind);
    expect(await embed(place, { batchSize: 3 })).toEqual({ rows: 6, fresh: 6, skipped: 2 });
    for (const [i, picture] of pictures.entries()) {
      const own = await imageFeatures(model, await preprocessPicture(picture, { size: 16 }));
      const [hit] = await search(place, featureRow(own, 0), 1, { store: kind });
      expect(hit).toMatchObject({ text: `a ${colours[i]}`, url: `http://a.example/${hit!.key}` });
      expect(hit!.score).toBeCloseTo(1, 3);
      expect(Buffer.from((await readShardPicture(store, hit!))!)).toEqual(picture);
    }
  },
);

test("texts are found by their own feature, and their index doesn't touch the pictures'", async () => {
  const place = join(folder, "texts");
  await embed(place);
  const pictureParts = await partsOf(place);
  expect(await embed(place, { kind: "texts" })).toEqual({ rows: 8, fresh: 8, skipped: 0 });
  expect(await partsOf(place)).toMatchObject(pictureParts);
  for (const colour of colours) {
    const [hit] = await search(place, await sentence(`a ${colour}`), 1, { kind: "texts" });
    expect(hit!.text).toBe(`a ${colour}`);
  }
});

test("hits come best first, and no more than there are", async () => {
  const place = join(folder, "order");
  await embed(place);
  const hits = await search(place, await sentence("a red square"), 100);
  expect(hits).toHaveLength(6);
  const scores = hits.map(({ score }) => score);
  expect(scores).toEqual([...scores].sort((a, b) => b - a));
});

test("an index that was stopped goes on within a shard, and ends with the same bytes", async () => {
  const [whole, stopped] = [join(folder, "whole"), join(folder, "stopped")];
  const options = { batchSize: 2, partSamples: 2 };
  await embed(whole, options);
  expect(Object.keys(await partsOf(whole))).toHaveLength(5);
  const stop = new AbortController();
  await expect(
    embed(stopped, { ...options, progress: () => stop.abort(), signal: stop.signal }),
  ).rejects.toThrow();
  expect(Object.keys(await partsOf(stopped))).toHaveLength(1);
  const [first] = Object.keys(await partsOf(stopped));
  const before = await stat(join(stopped, first!));
  // what a kill leaves of a file that was being written
  await writeFile(join(stopped, "images-00000-00001.safetensors.99.part"), "half");
  expect(await embed(stopped, options)).toEqual({ rows: 6, fresh: 4, skipped: 2 });
  expect((await stat(join(stopped, first!))).mtimeMs).toBe(before.mtimeMs);
  expect(await partsOf(stopped)).toEqual(await partsOf(whole));
  expect(await embed(stopped, options)).toEqual({ rows: 6, fresh: 0, skipped: 2 });
});

test("a shard that changed is embedded again, one that is gone leaves, and a copied one stays", async () => {
  const release = join(folder, "release");
  await mkdir(release);
  for (const name of ["00000.tar", "00001.tar"]) await copyFile(join(folder, name), join(release, name));
  const changing = await openStore(release, { readOnly: true });
  const place = join(folder, "changing");
  await embed(place, {}, changing);
  const first = await partsOf(place);
  // the same bytes at another time
  await utimes(join(release, "00000.tar"), 1, 1);
  expect(await embed(place, {}, changing)).toMatchObject({ fresh: 0 });
  // as many bytes, but others
  const bytes = await readFile(join(release, "00000.tar"));
  bytes.write("z ", bytes.indexOf("a #d22"));
  await writeFile(join(release, "00000.tar"), bytes);
  expect(await embed(place, {}, changing)).toMatchObject({ rows: 6, fresh: 4 });
  const second = await partsOf(place);
  expect(second["images-00001-00000.safetensors"]).toBe(first["images-00001-00000.safetensors"]);
  expect(second["images-00000-00000.safetensors"]).not.toBe(first["images-00000-00000.safetensors"]);
  await rm(join(release, "00000.tar"));
  await search(place, await sentence("x"), 1, { store: "int8" });
  expect(await embed(place, {}, changing)).toMatchObject({ rows: 2, fresh: 0 });
  expect((await readdir(place)).filter((name) => name.includes("00000-"))).toEqual([]);
});

test("a damaged part is embedded again", async () => {
  const place = join(folder, "damaged");
  await embed(place);
  const whole = await partsOf(place);
  await truncate(join(place, "images-00001-00000.safetensors"), 30);
  expect(await embed(place)).toEqual({ rows: 6, fresh: 2, skipped: 2 });
  expect(await partsOf(place)).toEqual(whole);
});

test("an index of another preprocessing is refused; one of before, which says none, is CLIP's", async () => {
  const preprocess_cfg = { ...clipPreprocessConfig, resize_mode: "squash" as const };
  const squashed = { ...model, config: { ...config, preprocess_cfg } };
  const shards = await findShards(store);
  const again = (place: string) =>
    embedRelease(store, shards, squashed, place, { fingerprint: "a", threads: 1 });
  const place = join(folder, "preprocessing");
  await embed(place);
  await expect(again(place)).rejects.toMatchObject({ code: "index_differs" });
  await writeFile(join(place, "index.json"), JSON.stringify({ version: 2, model: "a", width: 16 }));
  expect(await embed(place)).toMatchObject({ rows: 6, fresh: 0 });
  await expect(again(place)).rejects.toMatchObject({ code: "index_differs" });
});

test("pictures are made as the model says, in this thread and in others", async () => {
  const preprocess_cfg = { ...clipPreprocessConfig, mean: [0.1, 0.2, 0.3], resize_mode: "squash" as const };
  const own = { ...model, config: parseModelConfig({ ...config, preprocess_cfg }) };
  const preprocessing = preprocessingOf(own.config);
  expect(preprocessing).toMatchObject({ size: [16, 16], mean: [0.1, 0.2, 0.3], resizeMode: "squash" });
  const pixels = await preprocessPicture(pictures[0]!, preprocessing);
  const expected = await imageFeatures(own, pixels);
  const threads = new PreprocessThreads(preprocessing, 1);
  try {
    const preprocess = (image: Uint8Array) => threads.preprocess(image);
    for (const options of [{}, { preprocess }]) {
      async function* one() {
        yield { image: pictures[0]! };
      }
      const { features } = await embedPictures(own, one(), () => null, options);
      expect(features).toEqual(expected);
    }
  } finally {
    await threads.close();
  }
});

test("an index of other weights is refused", async () => {
  const place = join(folder, "weights");
  await embed(place);
  await expect(embed(place, { fingerprint: "b" })).rejects.toMatchObject({ code: "index_differs" });
});

test("a model whose weights are no numbers is told, and nothing of it is kept", async () => {
  const state = initialParameters(config, 1);
  (state.get("visual.proj")!.data as Float32Array)[3] = NaN;
  const parameters = createParameters(config, state);
  const diverged = embedRelease(
    store,
    await findShards(store),
    { ...model, parameters },
    join(folder, "diverged"),
    {
      fingerprint: "a",
      threads: 1,
    },
  );
  await expect(diverged).rejects.toMatchObject({ code: "features_not_finite" });
  expect(await partsOf(join(folder, "diverged"))).toEqual({});
  disposeParameters(parameters);
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

import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type HostTensor, parseModelConfig, readSafetensorsFile, writeSafetensors } from "@pairloom/clip";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FeatureFile } from "../src/embed/featureFile.js";
import { openPixelFile } from "../src/embed/pixelFile.js";
import { parseTokenIds } from "../src/embed/tokenIds.js";

const config = parseModelConfig({
  embed_dim: 4,
  vision_cfg: { image_size: [4, 6], patch_size: 2, width: 8, layers: 1, head_width: 8 },
  text_cfg: { context_length: 5, vocab_size: 100, width: 8, heads: 2, layers: 1 },
});
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "embed-"))));
afterAll(() => rm(folder, { recursive: true }));

const tensor = (shape: number[], change: (data: Float32Array) => void = () => {}): HostTensor => {
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i);
  change(data);
  return { dtype: "F32", shape, data };
};
async function file(name: string, tensors: Record<string, HostTensor>): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, writeSafetensors(new Map(Object.entries(tensors))));
  return path;
}

test("pixels come in batches, channels last, in order", async () => {
  const path = await file("good.safetensors", { anything: tensor([5, 3, 4, 6]) });
  const pixels = await openPixelFile(path, config);
  expect(pixels.count).toBe(5);
  const batches: Float32Array[] = [];
  for await (const batch of pixels.batches(2)) batches.push(batch);
  expect(batches.map(({ length }) => length / 72)).toEqual([2, 2, 1]);
  const all = batches.flatMap((batch) => [...batch]);
  for (const [image, row, column, channel] of [
    [0, 0, 0, 0],
    [0, 3, 5, 2],
    [3, 1, 4, 1],
    [4, 2, 0, 2],
  ] as const)
    expect(all[((image * 4 + row) * 6 + column) * 3 + channel]).toBe(
      ((image * 3 + channel) * 4 + row) * 6 + column,
    );
});

test.each(["pixels", "image"])("of several tensors the one named %s is taken", async (name) => {
  const path = await file(`${name}.safetensors`, { labels: tensor([2]), [name]: tensor([2, 3, 4, 6]) });
  expect((await openPixelFile(path, config)).count).toBe(2);
});

test("pixels that don't fit the model are told by what was expected", async () => {
  const open = async (name: string, tensors: Record<string, HostTensor>) =>
    openPixelFile(await file(`${name}.safetensors`, tensors), config);
  await expect(open("turned", { a: tensor([2, 4, 6, 3]) })).rejects.toThrow(
    "to be float32 [N, 3, 4, 6], got [2, 4, 6, 3]",
  );
  await expect(open("one", { a: tensor([3, 4, 6]) })).rejects.toMatchObject({ code: "pixels_shape" });
  await expect(open("half", { a: { ...tensor([2, 3, 4, 6]), dtype: "F16" } })).rejects.toThrow("got F16");
  await expect(open("two", { a: tensor([2]), b: tensor([3]) })).rejects.toMatchObject({
    code: "pixels_missing",
  });
});

test("an image that holds no number is named", async () => {
  const path = await file("nan.safetensors", {
    a: tensor([5, 3, 4, 6], (data) => (data[3 * 72 + 25] = NaN)),
  });
  const read = async () => {
    for await (const batch of (await openPixelFile(path, config)).batches(2)) void batch;
  };
  await expect(read()).rejects.toThrow(`Image 3 of ${path} holds NaN at channel 1, pixel 1`);
});

test("a file that is cut off is told before anything is read", async () => {
  const path = await file("cut.safetensors", { a: tensor([5, 3, 4, 6]) });
  await truncate(path, 1000);
  await expect(openPixelFile(path, config)).rejects.toMatchObject({ code: "checkpoint_truncated" });
});

test("ids are padded to the context; padded ones stay", () => {
  const ids = parseTokenIds("[[98, 5, 99], [98, 99, 0, 0, 0], [1, 2, 3, 4, 5], [98, 99, 0]]", config, "T");
  expect([...ids]).toEqual([98, 5, 99, 0, 0, 98, 99, 0, 0, 0, 1, 2, 3, 4, 5, 98, 99, 0, 0, 0]);
  expect(parseTokenIds("[]", config, "T")).toHaveLength(0);
});

test.each([
  ["[[98, 100]]", "expected id 1 of row 0 to be a whole number from 0 to 99, got 100"],
  ["[[98, 99], [98, -1, 99]]", "id 1 of row 1"],
  ["[[98, 1.5, 99]]", "got 1.5"],
  ['[[98, "7", 99]]', 'got "7"'],
  ["[[98, null, 99]]", "got null"],
  ["[[1, 2, 3, 4, 5, 99]]", "row 0 has 6 ids, the model reads at most 5"],
  ["[[98, 5, 99], [98, 5]]", "row 1 has 2 ids and doesn't end with an end-of-text token: cut off, or ragged"],
  ["[[98, 99], []]", "row 1 is empty"],
  ["[98, 99]", "expected row 0 to be an array of ids, got number"],
  ['{"ids": [[98, 99]]}', "expected an array of arrays, got object"],
  ["[[98, 99], [98,", "expected JSON"],
])("ids %s: %s", (text, says) => {
  expect(() => parseTokenIds(text, config, "T.json")).toThrow(says);
  expect(() => parseTokenIds(text, config, "T.json")).toThrow(/^T\.json: /);
});

test("features that come piece by piece are one file, readable as any", async () => {
  const path = join(folder, "out.safetensors");
  const out = await FeatureFile.create(path);
  out.begin("image_features", 2);
  await out.append({ rows: 2, width: 2, data: Float32Array.of(1, 2, 3, 4) });
  await out.append({ rows: 1, width: 2, data: Float32Array.of(5, 6) });
  out.begin("text_features", 2);
  await out.append({ rows: 1, width: 2, data: Float32Array.of(7, 8) });
  await out.finish({ model: "tiny" });
  await out.close();
  const read = await readSafetensorsFile(path);
  expect(read.get("image_features")).toEqual({
    dtype: "F32",
    shape: [3, 2],
    data: Float32Array.of(1, 2, 3, 4, 5, 6),
  });
  expect(read.get("text_features")).toEqual({ dtype: "F32", shape: [1, 2], data: Float32Array.of(7, 8) });
});

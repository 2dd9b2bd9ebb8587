import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkTokenizerFit, preprocessingOf } from "@pairloom/clip";
import { pictureName, UserError } from "@pairloom/config";
import type { EvaluatedModel, FeatureTable } from "@pairloom/evaluation";
import { byCodePoint, walkFolder } from "@pairloom/storage";
import { localTable, wholeText } from "@pairloom/tables";

/** Something to embed: how much of it there is at most, and its features as they are computed. */
export interface EmbedInput {
  count: number;
  features: AsyncGenerator<FeatureTable, void>;
}

export interface ImageInput extends EmbedInput {
  /** Images that have a row, in the order of the rows; null where the input names none. Grows with `features`. */
  paths: string[] | null;
  /** Images that have none, and why. Grows with `features`. */
  skipped: { path: string; problem: string }[];
}

export interface TextInput extends EmbedInput {
  /** Captions that are longer than the context and were cut. Grows with `features`. */
  truncated: () => number;
}

/** Preprocessed images of a safetensors file. */
export async function pixelInput(
  path: string,
  model: EvaluatedModel,
  batchSize: number,
): Promise<ImageInput> {
  await checkFile(path);
  const { checkFinite, imageFeatures, openPixelFile } = await import("@pairloom/evaluation");
  const pixels = await openPixelFile(path, model.config);
  async function* features() {
    for await (const batch of pixels.batches(batchSize))
      yield checkFinite(await imageFeatures(model, batch, batchSize));
  }
  return { count: pixels.count, features: features(), paths: null, skipped: [] };
}

/** The pictures in a folder and those below it, links followed, in the byte order of their paths. */
export async function imageFolderInput(
  folder: string,
  model: EvaluatedModel,
  batchSize: number,
): Promise<ImageInput> {
  const { embedBatches, PreprocessThreads } = await import("@pairloom/evaluation");
  const { names, passedOver: skipped } = await pictureNames(folder);
  const paths: string[] = [];
  async function* pictures() {
    for (const path of names) {
      // a file that can't be read is skipped like one that can't be decoded: named
      const image = await readFile(join(folder, path)).catch((error: Error) => {
        skipped.push({ path, problem: error.message });
        return null;
      });
      if (image !== null) yield { path, image };
    }
  }
  async function* features() {
    const threads = new PreprocessThreads(preprocessingOf(model.config));
    try {
      const preprocess = (image: Uint8Array) => threads.preprocess(image);
      for await (const batch of embedBatches(model, pictures(), { batchSize, preprocess })) {
        paths.push(...batch.good.map(({ path }) => path));
        skipped.push(...batch.lost.map(({ picture, problem }) => ({ path: picture.path, problem })));
        yield batch.features;
      }
    } finally {
      await threads.close();
    }
  }
  return { count: names.length, features: features(), paths, skipped };
}

/** Token ids of a JSON file. */
export async function tokenIdInput(
  path: string,
  model: EvaluatedModel,
  batchSize: number,
): Promise<TextInput> {
  await checkFile(path);
  const { parseTokenIds } = await import("@pairloom/evaluation");
  const ids = parseTokenIds(await wholeText(await localTable(path)), model.config, path);
  const length = model.config.text_cfg.context_length;
  return {
    count: ids.length / length,
    truncated: () => 0,
    features: tokenBatches(model, ids.length / length, batchSize, (from, to) =>
      ids.subarray(from * length, to * length),
    ),
  };
}

/** Captions, one a line; an empty line is an empty caption. */
export async function captionInput(
  path: string,
  model: EvaluatedModel,
  batchSize: number,
): Promise<TextInput> {
  await checkFile(path);
  const lines = (await wholeText(await localTable(path))).replace(/\r?\n$/, "").split(/\r?\n/);
  if (lines.length === 1 && lines[0] === "")
    throw new UserError("captions_empty", `${path} holds no caption`, { hint: "One caption a line." });
  const length = model.config.text_cfg.context_length;
  const { tokenizer } = model;
  checkTokenizerFit(model.config);
  let truncated = 0;
  const idsOf = (from: number, to: number) => {
    const captions = lines.slice(from, to);
    for (const caption of captions) if (tokenizer.encode(caption).length + 2 > length) truncated++;
    return tokenizer.tokenize(captions, length);
  };
  return {
    count: lines.length,
    truncated: () => truncated,
    features: tokenBatches(model, lines.length, batchSize, idsOf),
  };
}

async function* tokenBatches(
  model: EvaluatedModel,
  count: number,
  batchSize: number,
  idsOf: (from: number, to: number) => Int32Array,
): AsyncGenerator<FeatureTable, void> {
  const { checkFinite, tokenFeatures } = await import("@pairloom/evaluation");
  for (let from = 0; from < count; from += batchSize)
    yield checkFinite(await tokenFeatures(model, idsOf(from, Math.min(count, from + batchSize)), batchSize));
}

async function pictureNames(folder: string): Promise<{ names: string[]; passedOver: ImageInput["skipped"] }> {
  if ((await stat(folder).catch(() => null))?.isDirectory() !== true)
    throw new UserError("images_missing", `There is no folder ${folder}`, {
      hint: "--images takes a folder of pictures.",
    });
  const { files, problems } = await walkFolder(folder);
  const names = files.filter((name) => pictureName.test(name)).sort(byCodePoint);
  if (names.length > 0) return { names, passedOver: problems };
  const first = problems[0];
  throw new UserError(
    "images_missing",
    `There are no pictures in ${folder}${first === undefined ? "" : ` (${first.path} is ${first.problem})`}`,
    { hint: "jpg, jpeg, png, webp, gif, avif, tif and tiff are looked for, in folders below as well." },
  );
}

async function checkFile(path: string): Promise<void> {
  if ((await stat(path).catch(() => null))?.isFile() === true) return;
  throw new UserError("input_missing", `There is no file ${path}`);
}

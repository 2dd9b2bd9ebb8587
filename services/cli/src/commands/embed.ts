import { stat, writeFile } from "node:fs/promises";
import { UserError } from "@pairloom/config";
import type { EngineChoice } from "@pairloom/engine";
import type { FeatureFile } from "@pairloom/evaluation";
import { type Command, Option } from "commander";
import type { EmbedInput } from "../project/embedInputs.js";
import { newFile } from "../project/newFile.js";
import { openModel, type OpenModel } from "../project/openModel.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import { createSay, type Say } from "../terminal/say.js";
import { engineOption, forceOption, jsonOption, wholeNumber } from "./options.js";

interface EmbedOptions {
  checkpoint: string;
  model?: string;
  force?: boolean;
  pixels?: string;
  images?: string;
  tokenIds?: string;
  captions?: string;
  out: string;
  batchSize: number;
  engine: EngineChoice;
  json?: boolean;
}

/** `pairloom embed`: images and texts in, normalised features out. */
export function addEmbedCommand(program: Command): void {
  program
    .command("embed")
    .description("features of images and texts, normalised, as a safetensors file")
    .requiredOption("--checkpoint <file>", "the model's weights: a file, or a model's folder")
    .requiredOption("--out <file>", "where to write image_features and text_features, float32 [N, E]")
    .option("--model <name>", "the model's config, where the weights don't tell it")
    .addOption(forceOption())
    .addOption(
      new Option(
        "--images <folder>",
        "pictures, in folders below as well; OUT.paths.json names the rows",
      ).conflicts("pixels"),
    )
    .option("--pixels <file>", "images preprocessed already: safetensors, float32 [N, 3, H, W]")
    .addOption(new Option("--captions <file>", "texts, one a line").conflicts("tokenIds"))
    .option("--token-ids <file>", "texts as token ids: a JSON array of arrays, padded or not")
    .option("--batch-size <n>", "images or texts at once", wholeNumber(1), 64)
    .addOption(engineOption().default("auto"))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ pairloom embed --checkpoint model.safetensors --model ViT-B-32 --images pictures/ --captions captions.txt --out features.safetensors\n" +
        "  $ pairloom embed --checkpoint model.safetensors --model ViT-B-32 --pixels pixels.safetensors --token-ids ids.json --out features.safetensors\n",
    )
    .action(embed);
}

async function embed(options: EmbedOptions): Promise<void> {
  const { pixelInput, imageFolderInput, tokenIdInput, captionInput } =
    await import("../project/embedInputs.js");
  const { out, batchSize } = options;
  const say = createSay(options.json ?? false);
  await checkOptions(options);
  const opened = await openModel({ ...options, readsTexts: options.captions !== undefined }, (line) =>
    say.warn(line),
  );
  try {
    const { model } = opened;
    // both before anything is computed: what is wrong with the second shouldn't be told after hours with the first
    const images =
      options.pixels !== undefined
        ? await pixelInput(options.pixels, model, batchSize)
        : options.images !== undefined
          ? await imageFolderInput(options.images, model, batchSize)
          : null;
    const texts =
      options.tokenIds !== undefined
        ? await tokenIdInput(options.tokenIds, model, batchSize)
        : options.captions !== undefined
          ? await captionInput(options.captions, model, batchSize)
          : null;
    const { modelMetadata } = await import("@pairloom/clip");
    const { FeatureFile } = await import("@pairloom/evaluation");
    let ofImages: Done | null = null;
    let ofTexts: Done | null = null;
    const pathsFile = images?.paths == null ? null : `${out.replace(/\.safetensors$/, "")}.paths.json`;
    await newFile(out, async (beside) => {
      const file = await FeatureFile.create(beside);
      try {
        if (images !== null) ofImages = await write(file, "image_features", images, opened, "images");
        if (texts !== null) ofTexts = await write(file, "text_features", texts, opened, "texts");
        const { format: _, ...described } = modelMetadata(model.config);
        await file.finish({ model: opened.name, checkpoint_sha256: opened.fingerprint, ...described });
      } finally {
        await file.close();
      }
      // the names of the rows are there before the rows are
      if (pathsFile !== null) await writeFile(pathsFile, `${JSON.stringify(images!.paths, null, 2)}\n`);
    });
    const skipped = images?.skipped ?? [];
    const truncated = texts?.truncated() ?? 0;
    tell(say, options, opened, { ofImages, ofTexts, skipped, truncated, pathsFile });
  } finally {
    await opened.close();
  }
}

interface Done {
  count: number;
  perSecond: number;
}

async function write(
  file: FeatureFile,
  name: string,
  input: EmbedInput,
  { model }: OpenModel,
  what: string,
): Promise<Done> {
  const live = new LiveBlock();
  const start = performance.now();
  const rate = (count: number) => count / Math.max(1e-3, (performance.now() - start) / 1000);
  const line = (count: number) =>
    `embedded ${count} of ${input.count} ${what}, ${rate(count).toFixed(1)} a second`;
  file.begin(name, model.config.embed_dim);
  let count = 0;
  for await (const features of input.features) {
    await file.append(features);
    count += features.rows;
    live.draw(line(count), line(count));
  }
  const perSecond = rate(count);
  live.finish(line(count), line(count));
  return { count, perSecond: Math.round(perSecond * 10) / 10 };
}

function tell(
  say: Say,
  options: EmbedOptions,
  opened: OpenModel,
  done: {
    ofImages: Done | null;
    ofTexts: Done | null;
    skipped: { path: string; problem: string }[];
    truncated: number;
    pathsFile: string | null;
  },
): void {
  const { ofImages, ofTexts, skipped, truncated, pathsFile } = done;
  for (const { path, problem } of skipped) say.warn(`${path} is left out: ${problem}`);
  if (truncated > 0)
    say.warn(`${truncated} captions are longer than the model's context: their ends were not read`);
  const width = opened.model.config.embed_dim;
  say.result(
    {
      out: options.out,
      paths: pathsFile,
      model: opened.name,
      engine: opened.engine.name,
      width,
      images: ofImages && { ...ofImages, skipped },
      texts: ofTexts && { ...ofTexts, truncated },
    },
    [
      options.out,
      ...(ofImages ? [`  image_features  [${ofImages.count}, ${width}]`] : []),
      ...(ofTexts ? [`  text_features   [${ofTexts.count}, ${width}]`] : []),
      ...(pathsFile === null ? [] : [`${pathsFile} names the images, row by row`]),
    ].join("\n"),
  );
}

async function checkOptions({ out, ...options }: EmbedOptions): Promise<void> {
  if ([options.pixels, options.images, options.tokenIds, options.captions].every((one) => one === undefined))
    throw new UserError("nothing_to_embed", "There is nothing to embed", {
      hint: "Name images by --images or --pixels, texts by --captions or --token-ids.",
    });
  // told now, not when all is computed
  if ((await stat(out).catch(() => null)) !== null)
    throw new UserError("file_exists", `${out} is there already`, { hint: "Name another with --out." });
}

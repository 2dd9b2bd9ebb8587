import { rename, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { EngineChoice } from "@pairloom/engine";
import type { EmbedProgress, Hit, SearchKind } from "@pairloom/evaluation";
import { type Command, Option } from "commander";
import { openModel } from "../project/openModel.js";
import type { SearchQuery, SearchResult } from "../project/searchRelease.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import {
  pictureProtocol,
  pictureProtocols,
  type PictureProtocol,
} from "../terminal/pictures/pictureProtocol.js";
import { outputColours } from "../terminal/outputColours.js";
import { printable } from "../terminal/printable.js";
import { createSay, type Say } from "../terminal/say.js";
import { engineOption, forceOption, jsonOption, wholeNumber } from "./options.js";

interface SearchOptions {
  checkpoint: string;
  release: string;
  image?: string;
  for: SearchKind;
  model?: string;
  force?: boolean;
  count: number;
  store: "float16" | "int8";
  approximate?: boolean;
  batchSize: number;
  engine: EngineChoice;
  index?: string;
  html?: string;
  thumbnails: "auto" | PictureProtocol;
  json?: boolean;
}

/** `pairloom search`: a sentence or a picture → pictures or texts. */
export function addSearchCommand(program: Command): void {
  program
    .command("search")
    .description("find pictures or texts of a release for a sentence or a picture")
    .argument("[sentence]", "what the picture shows; one that begins with a dash goes behind --")
    .requiredOption("--checkpoint <file>", "the model's weights: a file, or a model's folder")
    .requiredOption("--release <folder>", "the shards to search")
    .option("--image <file>", "look for what is like this picture instead")
    .addOption(new Option("--for <kind>", "what to find").choices(["images", "texts"]).default("images"))
    .option("--model <name>", "the model's config, where the weights don't tell it")
    .addOption(forceOption())
    .option("--count <n>", "results to show", wholeNumber(1), 10)
    .option("--index <folder>", "where the embedded release is kept (default: beside the release)")
    .addOption(
      new Option("--store <kind>", "what is held in memory: int8 takes half, and gives the same answers")
        .choices(["float16", "int8"])
        .default("float16"),
    )
    .option("--approximate", "search a graph: for many millions of pictures; may miss some (docs/search.md)")
    .option("--batch-size <n>", "pictures to embed at once", wholeNumber(1), 64)
    .option("--html <file>", "write the results as a page, pictures in it")
    .addOption(
      new Option("--thumbnails <kind>", "pictures in the terminal")
        .choices(["auto", ...pictureProtocols])
        .default("auto"),
    )
    .addOption(engineOption().default("auto"))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n" +
        '  $ pairloom search "a red circle" --checkpoint run/checkpoints/step-000500.safetensors --release data/releases/r0001\n' +
        "  $ pairloom search --image photo.jpg --for texts --checkpoint model.safetensors --model ViT-B-32 --release data/releases/r0001\n" +
        "\nThe first search embeds the release, which takes a while and goes on where it was stopped; later ones answer at once.\n",
    )
    .action(search);
}

async function search(sentence: string | undefined, options: SearchOptions): Promise<void> {
  const { setupSharp } = await import("@pairloom/image");
  const { queryOf, searchRelease } = await import("../project/searchRelease.js");
  const say = createSay(options.json ?? false);
  setupSharp();
  const query = await queryOf(sentence, options.image);
  const readsTexts = "sentence" in query || options.for === "texts";
  const opened = await openModel({ ...options, readsTexts }, (line) => say.warn(line));
  try {
    const live = new LiveBlock();
    const start = performance.now();
    const line = ({ rows, fresh, skipped }: EmbedProgress) =>
      `embedded ${rows} ${options.for === "images" ? "pictures" : "texts"}, ${rate(fresh, start).toFixed(1)} a second${skipped > 0 ? `; ${skipped} could not be read` : ""}`;
    const result = await searchRelease(opened, query, {
      release: options.release,
      index: options.index,
      kind: options.for,
      count: options.count,
      store: options.store,
      approximate: options.approximate ?? false,
      batchSize: options.batchSize,
      progress: (done) => live.draw(line(done), line(done)),
      log: (text) => live.draw(text, text),
    });
    if (result.index.fresh > 0)
      say.info(
        `embedded ${result.index.fresh} in ${result.index.embedSeconds.toFixed(1)} s: ${perSecond(result)} a second`,
      );
    tellOfSentence(say, query, result.truncated, opened.model.config.text_cfg.context_length);
    await answer(say, query, result, options);
  } finally {
    await opened.close();
  }
}

async function answer(
  say: Say,
  query: SearchQuery,
  result: SearchResult,
  options: SearchOptions,
): Promise<void> {
  const { searchPage } = await import("../project/searchPage.js");
  const { besidePicture } = await import("../terminal/pictures/besidePicture.js");
  const { hits, index, searchMs, truncated } = result;
  const pictures = await picturesOf(result, options);
  if (options.html !== undefined) {
    const page = await searchPage({
      sentence: "sentence" in query ? query.sentence : null,
      image: "image" in query ? query.image : null,
      kind: options.for,
      release: basename(resolve(options.release)),
      rows: index.rows,
      hits: hits.map((hit, i) => ({ ...hit, picture: pictures[i] ?? null })),
    });
    const beside = `${options.html}.part-${process.pid}`;
    await writeFile(beside, page);
    await rename(beside, options.html);
    say.info(`the results as a page: ${options.html}`);
  }
  const protocol = protocolOf(options);
  const blocks = options.json
    ? []
    : await Promise.all(hits.map((hit, i) => besidePicture(protocol, pictures[i] ?? null, hitLines(hit))));
  say.result(
    {
      ...("sentence" in query ? { sentence: query.sentence, truncated } : { image: query.path }),
      for: options.for,
      results: hits,
      searched: index.rows,
      searchMs: Math.round(searchMs * 10) / 10,
      index: {
        folder: index.folder,
        store: options.store,
        approximate: options.approximate ?? false,
        embeddedNow: index.fresh,
        perSecond: perSecond(result),
        skipped: index.skipped,
      },
      html: options.html ?? null,
    },
    hits.length === 0 ? "Nothing in the release could be read." : blocks.join("").trimEnd(),
  );
}

function hitLines({ score, key, text, url }: Hit): string[] {
  const { bold, dim } = outputColours();
  return [
    // what pages said goes to the terminal as text, not as its commands
    `${bold(score.toFixed(4))}  ${key}  ${printable(text)}`,
    ...(url === null ? [] : [`        ${dim(printable(url))}`]),
  ];
}

function protocolOf({ thumbnails, json, for: kind }: SearchOptions): PictureProtocol {
  if (json === true || kind === "texts") return "none";
  return thumbnails === "auto" ? pictureProtocol(process.env, process.stdout.isTTY) : thumbnails;
}

/** The pictures that were found, where they will be shown. */
async function picturesOf(
  { hits, shards }: SearchResult,
  options: SearchOptions,
): Promise<(Uint8Array | null)[]> {
  const shown = options.for === "images" && (options.html !== undefined || protocolOf(options) !== "none");
  if (!shown) return [];
  const { readShardPicture } = await import("@pairloom/evaluation");
  return Promise.all(hits.map((hit) => readShardPicture(shards, hit)));
}

function tellOfSentence(say: Say, query: SearchQuery, truncated: boolean, length: number): void {
  if (!("sentence" in query)) return;
  if (truncated)
    say.warn(`The sentence is longer than the ${length} tokens that the model reads: its end is left out`);
  if (/\b(no|not|without|never)\b|n['’]t\b/i.test(query.sentence))
    say.warn(
      "A model like this one hardly reads “not” and “without”: what you don't want may well be found. Say what you want to see",
    );
}

const rate = (count: number, start: number): number =>
  count / Math.max(1e-3, (performance.now() - start) / 1000);
const perSecond = ({ index }: SearchResult): number | null =>
  index.fresh === 0 ? null : Math.round((10 * index.fresh) / Math.max(1e-3, index.embedSeconds)) / 10;

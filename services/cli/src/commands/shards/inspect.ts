import { stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "@pairloom/config";
import { isStoreUrl } from "@pairloom/storage";
import type { Command } from "commander";
import { newFolder } from "../../project/newFolder.js";
import { LiveBlock } from "../../terminal/liveBlock.js";
import { readProgress } from "../../terminal/readProgress.js";
import { createSay } from "../../terminal/say.js";
import { jsonOption, wholeNumber } from "../options.js";

interface InspectOptions {
  samples: number;
  seed: number;
  maxShards: number;
  out?: string;
  json?: boolean;
}

/** `pairloom shards inspect`. */
export function addInspect(shards: Command): void {
  shards
    .command("inspect")
    .description("look into shards: counts, sizes, and a contact sheet of samples as a page and a PNG")
    .argument("<folder or tar>", "a release, img2dataset's output, or one tar")
    .option("--samples <n>", "samples that are shown", wholeNumber(1), 24)
    .option("--seed <n>", "decides which", wholeNumber(0), 0)
    .option("--max-shards <n>", "shards that are read at most, chosen by the seed", wholeNumber(1), 10)
    .option("--out <folder>", "a new folder for index.html and sheet.png (default: NAME-sheet)")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom shards inspect data/releases/r0001 --samples 48\n  $ pairloom shards inspect laion/00017.tar --seed 3 --out look\n",
    )
    .action(inspect);
}

/** The folder to look into, the tar where it is one alone, and what to call it. */
async function findPlace(place: string): Promise<{ folder: string; tar: string | null; name: string }> {
  const path = isStoreUrl(place) ? place.replace(/\/+$/, "") : resolve(place);
  const name = basename(path).replace(/\.tar$/, "");
  if (isStoreUrl(place)) {
    if (!path.endsWith(".tar")) return { folder: path, tar: null, name };
    return { folder: path.slice(0, path.lastIndexOf("/")), tar: basename(path), name };
  }
  const info = await stat(path).catch(() => null);
  if (info === null)
    throw new UserError("no_shards", `There is no ${place}`, { hint: "Name a folder of shards, or a tar." });
  return info.isFile()
    ? { folder: dirname(path), tar: basename(path), name }
    : { folder: path, tar: null, name };
}

async function inspect(place: string, options: InspectOptions): Promise<void> {
  const { setupSharp } = await import("@pairloom/image");
  const { surveyShards } = await import("@pairloom/shards");
  const { contactSheet } = await import("../../project/contactSheet.js");
  const { inspectPage } = await import("../../project/inspectPage.js");
  const { surveyText } = await import("../../project/surveyText.js");
  const say = createSay(options.json ?? false);
  const { samples, seed, maxShards } = options;
  setupSharp();
  const { folder, tar, name } = await findPlace(place);
  const survey = await surveyShards(folder, {
    samples,
    seed,
    maxShards,
    ...(tar === null ? {} : { tar }),
    onProgress: readProgress(new LiveBlock()),
  });
  const out = resolve(options.out ?? `${name}-sheet`);
  const { png, undecodable } = await contactSheet(survey.chosen);
  const page = Buffer.from(await inspectPage(name, seed, survey));
  await newFolder(
    out,
    new Map([
      ["index.html", [page]],
      ["sheet.png", [png]],
    ]),
  );
  for (const key of undecodable) say.warn(`${key} has a picture that can't be decoded`);
  const { chosen, ...counted } = survey;
  const files = { page: join(out, "index.html"), sheet: join(out, "sheet.png") };
  say.result(
    {
      ...counted,
      chosen: chosen.map(({ shard, key, extension, text, image }) => ({
        shard,
        key,
        extension,
        text,
        bytes: image.length,
      })),
      undecodable,
      ...files,
    },
    `${surveyText(survey)}\n\n${files.page}\n${files.sheet}`,
  );
}

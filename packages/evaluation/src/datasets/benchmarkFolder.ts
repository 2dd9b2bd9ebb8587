import { readdir, readFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { type MemberGroup, MemberGrouper, scanTar } from "@pairloom/shards";
import { byCodePoint } from "@pairloom/storage";
import { readClassList } from "./classList.js";
import type { CaptionedPicture, CaptionedSet, LabelledPicture, LabelledSet } from "./evaluationSet.js";
import { labelIndex } from "./labelNumber.js";
import { LeftOut } from "./leftOut.js";
import { splitLines } from "./splitLines.js";

const extensions = ["webp", "png", "jpg", "jpeg"];
const templateFiles = ["zeroshot_classification_templates.txt", "zeroshot-classification-templates.txt"];

/** Where a dataset's parts lie. */
export interface BenchmarkFolder {
  /** With classnames.txt and others. */
  folder: string;
  /** The folder of the shards. */
  shards: string;
  /** The split's name. */
  split: string;
}

/**
 * Finds CLIP_benchmark's layout of webdatasets: the dataset's folder, or one of its splits (then the files with names and
 * type lie there or above). Null where it is another layout.
 *
 * @param asked the split that is asked for; by default "test", or the one that the folder is
 */
export async function findBenchmarkFolder(folder: string, asked?: string): Promise<BenchmarkFolder | null> {
  const split = asked ?? "test";
  const names = await readdir(folder);
  const inside = names.includes(split) ? await readdir(join(folder, split)).catch(() => []) : [];
  const here: BenchmarkFolder = { folder, shards: join(folder, split), split };
  if (inside.some((name) => name === "nshards.txt" || name.endsWith(".tar"))) return here;
  const own = basename(resolve(folder));
  if (names.includes("nshards.txt") && (asked ?? own) === own) {
    const above = names.some(isAboutSet) ? folder : dirname(resolve(folder));
    return { folder: above, shards: folder, split: own };
  }
  return names.some(isAboutSet) ? here : null;
}

const isAboutSet = (name: string): boolean => name === "dataset_type.txt" || name === "classnames.txt";

/** Names of the folders within one that hold a dataset in this layout each. */
export async function benchmarkFoldersIn(folder: string, split?: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of (await readdir(folder)).sort(byCodePoint)) {
    const inner = await findBenchmarkFolder(join(folder, name), split).catch(() => null);
    if (inner !== null) found.push(name);
  }
  return found;
}

/**
 * Pictures with classes: `<split>/0.tar` and on, samples of a picture and a `.cls` with the number of its class; names in
 * classnames.txt, prompts in zeroshot_classification_templates.txt (clip_benchmark/datasets/builder.py, build_wds_dataset).
 *
 * @param classes names instead of classnames.txt's
 * @throws UserError where it is another kind of dataset, shards are missing, or (while reading) a label is wrong
 */
export async function labelledBenchmark(
  place: BenchmarkFolder,
  classes: string[] | null,
): Promise<LabelledSet> {
  const { folder } = place;
  await checkType(folder, "classification");
  const has = new Set(await readdir(folder));
  const names =
    classes ?? (has.has("classnames.txt") ? await readClassList(join(folder, "classnames.txt")) : null);
  const leftOut = new LeftOut();
  const shards = await findShards(place, leftOut);
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for await (const { from, image, members } of samplesOf(shards, leftOut)) {
      const label = members.get("cls");
      if (label === undefined) leftOut.add("no label", from);
      // always a number, as webdataset decodes it: a class may be named "1" and have another
      else yield { image, from, label: labelIndex({ text: label.toString("latin1"), place: from }, names) };
    }
  }
  const templateFile = templateFiles.find((name) => has.has(name));
  const templates =
    templateFile === undefined
      ? null
      : splitLines(await readFile(join(folder, templateFile), "utf8")).filter((line) => line !== "");
  return { classes: names, templates, pictures: pictures(), leftOut };
}

/** Pictures with texts: samples of a picture and a `.txt` with one text a line; dataset_type.txt says "retrieval". */
export async function captionedBenchmark(place: BenchmarkFolder): Promise<CaptionedSet> {
  await checkType(place.folder, "retrieval");
  const leftOut = new LeftOut();
  const shards = await findShards(place, leftOut);
  async function* pictures(): AsyncGenerator<CaptionedPicture> {
    for await (const { from, image, members } of samplesOf(shards, leftOut)) {
      const lines = splitLines(members.get("txt")?.toString("utf8") ?? "");
      const captions = lines.filter((line) => line !== "");
      if (captions.length === 0) leftOut.add("no text", from);
      else {
        for (let empty = captions.length; empty < lines.length; empty++) leftOut.add("an empty text", from);
        yield { image, captions, from };
      }
    }
  }
  return { pictures: pictures(), leftOut };
}

async function checkType(folder: string, wanted: "classification" | "retrieval"): Promise<void> {
  const text = await readFile(join(folder, "dataset_type.txt"), "utf8").catch(() => "classification");
  const type = text.trim().toLowerCase();
  if (type === wanted) return;
  throw new UserError("dataset_type", `${folder} is a dataset for ${type}, not for ${wanted}`, {
    hint:
      type === "retrieval"
        ? "Use `pairloom eval retrieval`."
        : type === "multilabel"
          ? "Several labels a picture are not evaluated here."
          : "Use `pairloom eval zeroshot` or `probe`, or write `retrieval` to dataset_type.txt.",
  });
}

/** The shards of a split in their order: 0.tar and on, as many as nshards.txt says; without it all tars. */
async function findShards({ folder, shards, split }: BenchmarkFolder, leftOut: LeftOut): Promise<string[]> {
  const inside = await readdir(shards).catch((): string[] => []);
  const tars = inside.filter((name) => name.endsWith(".tar")).sort(byCodePoint);
  const told = inside.includes("nshards.txt") ? await readCount(join(shards, "nshards.txt")) : null;
  const wanted =
    told === null
      ? tars.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || 0)
      : Array.from({ length: told }, (_, i) => `${i}.tar`);
  const has = new Set(tars);
  const missing = wanted.find((name) => !has.has(name));
  if (missing === undefined && wanted.length > 0) {
    const used = new Set(wanted);
    for (const name of tars)
      if (!used.has(name)) leftOut.add("a shard that nshards.txt does not count", join(shards, name));
    return wanted.map((name) => join(shards, name));
  }
  throw new UserError(
    "shards_missing",
    missing === undefined
      ? `There are no shards in ${shards}`
      : `${split}/${missing} is missing in ${folder}`,
    {
      hint:
        missing === undefined
          ? "Name another split with --split: a folder that holds 0.tar and on."
          : `${split}/nshards.txt says that there are ${told} shards, from 0.tar on.`,
    },
  );
}

async function readCount(path: string): Promise<number> {
  const text = (await readFile(path, "utf8")).trim();
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new UserError(
    "shards_missing",
    `${path} is ${JSON.stringify(text.slice(0, 40))}, no number of shards`,
    {
      hint: "Write the number of the split's tars to it, or remove it to read all of them.",
    },
  );
}

interface BenchmarkSample {
  /** Where it stands, for messages. */
  from: string;
  image: Buffer;
  members: MemberGroup["members"];
}

async function* samplesOf(shards: readonly string[], leftOut: LeftOut): AsyncGenerator<BenchmarkSample> {
  for (const shard of shards) {
    const grouper = new MemberGrouper(({ name }) =>
      leftOut.add("a member without a key", `${name} in ${shard}`),
    );
    const onProblem = ({ says }: { says: string }) =>
      leftOut.add("a damaged shard's part", `${shard}: ${says}`);
    for await (const entry of scanTar(createReadStream(shard, { highWaterMark: 1 << 20 }), { onProblem }))
      yield* withPicture(grouper.push([entry]), shard, leftOut);
    yield* withPicture(grouper.end(), shard, leftOut);
  }
}

function* withPicture(groups: MemberGroup[], shard: string, leftOut: LeftOut): Generator<BenchmarkSample> {
  for (const { key, members } of groups) {
    const from = `${key} in ${shard}`;
    const extension = extensions.find((name) => members.has(name));
    if (extension === undefined) leftOut.add("no picture", from);
    else yield { from, image: members.get(extension)!, members };
  }
}

import { readdir, readFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { join } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { type MemberGroup, MemberGrouper, scanTar } from "@pairloom/shards";
import { readClassList } from "./classList.js";
import type { CaptionedPicture, CaptionedSet, LabelledPicture, LabelledSet } from "./evaluationSet.js";
import { labelNumber } from "./labelNumber.js";
import { LeftOut } from "./leftOut.js";

const extensions = ["webp", "png", "jpg", "jpeg"];

/** True for a folder in the layout of CLIP_benchmark's webdatasets. */
export async function isBenchmarkFolder(folder: string, split: string): Promise<boolean> {
  const names = await readdir(folder);
  if (names.includes("dataset_type.txt") || names.includes("classnames.txt")) return true;
  const inside = names.includes(split) ? await readdir(join(folder, split)).catch(() => []) : [];
  return inside.some((name) => name === "nshards.txt" || name.endsWith(".tar"));
}

/**
 * Pictures with classes: `<split>/0.tar` and on, samples of a picture and a `.cls`; names in classnames.txt, prompts in
 * zeroshot_classification_templates.txt (clip_benchmark/datasets/builder.py, build_wds_dataset).
 *
 * @param classes names instead of classnames.txt's
 * @throws UserError where it is another kind of dataset, shards are missing, or (while reading) a label is wrong
 */
export async function labelledBenchmark(
  folder: string,
  split: string,
  classes: string[] | null,
): Promise<LabelledSet> {
  await checkType(folder, "classification");
  const has = new Set(await readdir(folder));
  const names =
    classes ?? (has.has("classnames.txt") ? await readClassList(join(folder, "classnames.txt")) : null);
  const shards = await findSplit(folder, split);
  const leftOut = new LeftOut();
  async function* pictures(): AsyncGenerator<LabelledPicture> {
    for await (const { place, image, members } of samplesOf(shards, leftOut)) {
      const label = members.get("cls");
      if (label === undefined) leftOut.add("no label", place);
      else yield { image, label: labelNumber(label.toString("latin1"), names, place) };
    }
  }
  const templates = has.has("zeroshot_classification_templates.txt")
    ? linesOf(await readFile(join(folder, "zeroshot_classification_templates.txt"), "utf8"))
    : null;
  return { classes: names, templates, pictures: pictures(), leftOut };
}

/** Pictures with texts: samples of a picture and a `.txt` with one text a line; dataset_type.txt says "retrieval". */
export async function captionedBenchmark(folder: string, split: string): Promise<CaptionedSet> {
  await checkType(folder, "retrieval");
  const shards = await findSplit(folder, split);
  const leftOut = new LeftOut();
  async function* pictures(): AsyncGenerator<CaptionedPicture> {
    for await (const { place, image, members } of samplesOf(shards, leftOut)) {
      const captions = linesOf(members.get("txt")?.toString("utf8") ?? "");
      if (captions.length === 0) leftOut.add("no text", place);
      else yield { image, captions };
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

/** The shards of a split in their order: as many as nshards.txt says, or else all. */
async function findSplit(folder: string, split: string): Promise<string[]> {
  const inside = await readdir(join(folder, split)).catch((): string[] => []);
  const numbers = inside.flatMap((name) => (/^\d+\.tar$/.test(name) ? [Number(name.slice(0, -4))] : []));
  const told = inside.includes("nshards.txt")
    ? Number(await readFile(join(folder, split, "nshards.txt"), "utf8"))
    : null;
  const wanted =
    told === null
      ? numbers.sort((a, b) => a - b)
      : Array.from({ length: Math.min(told, 1e6) || 0 }, (_, i) => i);
  const missing = wanted.find((number) => !numbers.includes(number));
  if (missing === undefined && wanted.length > 0) return wanted.map((n) => join(folder, split, `${n}.tar`));
  throw new UserError(
    "shards_missing",
    missing === undefined
      ? `There are no shards in ${join(folder, split)}`
      : `${split}/${missing}.tar is missing in ${folder}`,
    {
      hint:
        missing === undefined
          ? "Name another split with --split: a folder that holds 0.tar and on."
          : `${split}/nshards.txt says that there are ${told} shards.`,
    },
  );
}

interface BenchmarkSample {
  /** Where it stands, for messages. */
  place: string;
  image: Buffer;
  members: MemberGroup["members"];
}

async function* samplesOf(shards: readonly string[], leftOut: LeftOut): AsyncGenerator<BenchmarkSample> {
  for (const shard of shards) {
    const grouper = new MemberGrouper();
    const onProblem = ({ says }: { says: string }) =>
      leftOut.add("a damaged shard's part", `${shard}: ${says}`);
    for await (const entry of scanTar(createReadStream(shard, { highWaterMark: 1 << 20 }), { onProblem }))
      yield* withPicture(grouper.push([entry]), shard, leftOut);
    yield* withPicture(grouper.end(), shard, leftOut);
  }
}

function* withPicture(groups: MemberGroup[], shard: string, leftOut: LeftOut): Generator<BenchmarkSample> {
  for (const { key, members } of groups) {
    const place = `${key} in ${shard}`;
    const extension = extensions.find((name) => members.has(name));
    if (extension === undefined) leftOut.add("no picture", place);
    else yield { place, image: members.get(extension)!, members };
  }
}

const linesOf = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { cmykToRgb, decodeImage } from "@pairloom/clip";
import sharp from "sharp";
import { type FeatureTable, featureRow, similarities } from "../featureTable.js";
import { publishFile } from "../publishFile.js";

/** `samples/step-N.json` of a run: some pictures with the captions that the model of that step finds for them. */
export interface SampleReport {
  step: number;
  /** False: the pairs are of the training data. */
  heldOut: boolean;
  /** How many captions were to choose from. */
  captions: number;
  pictures: SampledPicture[];
}

export interface SampledPicture {
  /** Below `samples/`. */
  file: string;
  key: string;
  caption: string;
  /** The nearest captions, nearest first, with their cosines. */
  found: { caption: string; score: number }[];
}

const pictureCount = 6;
const captionsFound = 3;
const keptReports = 20;
const pictureSide = 256;

/** Writes the pictures once, for all reports. @returns their names below `samples/` */
export async function writePictures(folder: string, images: readonly Uint8Array[]): Promise<string[]> {
  await mkdir(join(folder, "pictures"), { recursive: true });
  return Promise.all(
    images.slice(0, pictureCount).map(async (image, number) => {
      const { data, width, height, channels } = cmykToRgb(await decodeImage(image));
      const raw = { width, height, channels: channels };
      const jpeg = await sharp(data, { raw })
        .flatten({ background: "#ffffff" })
        .resize(pictureSide, pictureSide, { fit: "inside", withoutEnlargement: true })
        .jpeg({ quality: 90 })
        .toBuffer();
      const name = `pictures/${String(number).padStart(2, "0")}.jpg`;
      await publishFile(join(folder, name), [jpeg]);
      return name;
    }),
  );
}

/** What the model finds for the pictures among the captions of all pairs. */
export function sampleReport(
  input: { step: number; heldOut: boolean; files: readonly string[]; keys: readonly string[] },
  pictures: FeatureTable,
  texts: FeatureTable,
  captions: readonly string[],
): SampleReport {
  return {
    step: input.step,
    heldOut: input.heldOut,
    captions: captions.length,
    pictures: input.files.map((file, row) => ({
      file,
      key: input.keys[row]!,
      caption: captions[row]!,
      found: Array.from(similarities(featureRow(pictures, row), texts), (score, at) => ({
        caption: captions[at]!,
        score: Math.round(score * 1e4) / 1e4,
      }))
        .sort((a, b) => b.score - a.score)
        .slice(0, captionsFound),
    })),
  };
}

/** Writes a report and removes the oldest beyond the twenty that are kept. */
export async function writeSampleReport(folder: string, report: SampleReport): Promise<void> {
  const name = `step-${String(report.step).padStart(6, "0")}.json`;
  await publishFile(join(folder, name), [Buffer.from(`${JSON.stringify(report, null, 2)}\n`)]);
  const reports = (await readdir(folder)).filter((file) => /^step-\d+\.json$/.test(file)).sort();
  for (const old of reports.slice(0, -keptReports)) await rm(join(folder, old), { force: true });
}

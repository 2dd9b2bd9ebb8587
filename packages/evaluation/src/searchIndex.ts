import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { readSafetensorsFile } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import { type EvaluatedModel, textFeatures } from "./encodeFeatures.js";
import { type IndexedSample, type IndexRecord, indexRecord } from "./embedRelease.js";
import { featureRow, type FeatureTable, normalizeRows, similarities } from "./featureTable.js";

/** Pictures' features in memory, and what they belong to. */
export interface SearchIndex {
  record: IndexRecord;
  samples: IndexedSample[];
  features: FeatureTable;
}

export interface Hit extends IndexedSample {
  /** Cosine of sentence and picture. */
  score: number;
}

/** @throws UserError "index_missing" where the folder holds no index */
export async function openSearchIndex(folder: string): Promise<SearchIndex> {
  const names: string[] = await readdir(folder).catch(() => []);
  if (!names.includes("index.json")) {
    throw new UserError("index_missing", `There is no search index in ${folder}`, {
      hint: "Embed a release first.",
    });
  }
  const record = indexRecord.parse(JSON.parse(await readFile(join(folder, "index.json"), "utf8")));
  const samples: IndexedSample[] = [];
  const parts: Float32Array[] = [];
  for (const name of names.filter((file) => file.endsWith(".samples.json")).sort()) {
    samples.push(...(JSON.parse(await readFile(join(folder, name), "utf8")) as IndexedSample[]));
    const file = await readSafetensorsFile(join(folder, name.replace(/\.samples\.json$/, ".features")));
    parts.push(file.get("features")!.data as Float32Array);
  }
  const data = new Float32Array(samples.length * record.width);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  const features = { rows: samples.length, width: record.width, data };
  // half precision leaves lengths a little off 1
  return { record, samples, features: record.dtype === "F16" ? normalizeRows(features) : features };
}

/** The pictures nearest to a feature, best first; of equal ones the first in the release. Looks at all of them. */
export function searchFeature(index: SearchIndex, query: Float32Array, count: number): Hit[] {
  const scores = similarities(query, index.features);
  return largest(scores, count).map((row) => ({ ...index.samples[row]!, score: scores[row]! }));
}

/** The pictures that fit a sentence best. */
export async function searchSentence(
  index: SearchIndex,
  model: EvaluatedModel,
  sentence: string,
  count = 10,
): Promise<Hit[]> {
  const query = await textFeatures(model, [sentence]);
  return searchFeature(index, featureRow(query, 0), count);
}

/** Places of the `count` largest numbers, falling; of equal ones the lower place first. */
function largest(scores: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let row = 0; row < scores.length; row++) {
    if (best.length === count && scores[row]! <= scores[best[count - 1]!]!) continue;
    let place = best.length;
    while (place > 0 && scores[best[place - 1]!]! < scores[row]!) place--;
    best.splice(place, 0, row);
    if (best.length > count) best.pop();
  }
  return best;
}

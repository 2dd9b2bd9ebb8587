import type { EngineChoice } from "@pairloom/engine";
import type { FeatureTable } from "@pairloom/evaluation";
import { openShards, type ShardSample } from "@pairloom/shards";
import { textsOf } from "@pairloom/training";
import { allCombinations, combinationName, combinationPattern } from "@pairloom/sources";
import { openModel, type OpenModel } from "../project/openModel.js";

/** What the trained model can do with combinations that it has never seen. */
export interface DemoProof {
  classes: string[];
  heldOut: string[];
  /** Held-out pictures that were classified: as many of each combination. */
  images: number;
  zeroShotTop1: number;
  /** On pictures whose combinations were in training (which the model has seen). */
  seenTop1: number;
  recallAt1: number;
  recallAt5: number;
  engine: string;
  confusion: { truth: string; predicted: Record<string, number> }[];
  searches: { sentence: string; pictures: { caption: string; score: number; jpeg: Buffer }[] }[];
}

export interface ProofInput {
  checkpoint: string;
  /** The held-out release, and the one that was trained on. */
  release: string;
  seen: string;
  heldOut: readonly string[];
  engine: EngineChoice;
}

/** Seen pictures that are looked at for comparison. */
const seenPictures = 1000;
const searchCount = 10;

/**
 * Classifies the held-out release zero-shot among all combinations' names, and looks for its pictures by their
 * captions. Labels come from the captions that the pages gave.
 */
export async function proveDemo(input: ProofInput): Promise<DemoProof> {
  const opened = await openModel(
    { checkpoint: input.checkpoint, engine: input.engine, readsTexts: true },
    () => {},
  );
  try {
    const {
      classFeatures,
      classPrompts,
      confusionTable,
      featureRow,
      plainTemplates,
      retrieval,
      similarities,
      textFeatures,
      zeroShot,
    } = await import("@pairloom/evaluation");
    const { model } = opened;
    const classes = allCombinations.map(combinationName);
    const names = await classFeatures(
      model,
      classes.map((name) => classPrompts(name, plainTemplates)),
    );
    const heldOut = balanced(await labelledSamples(input.release, input.heldOut, Infinity));
    const pictures = await embed(opened, heldOut.samples);
    const result = await zeroShot(pictures, names, heldOut.labels);
    const confusion = confusionTable(heldOut.labels, result.answers, classes.length);
    const seen = await labelledSamples(input.seen, classes, seenPictures);
    const seenResult = await zeroShot(await embed(opened, seen.samples), names, seen.labels);

    const captions = heldOut.samples.map(({ text }) => text);
    const texts = await textFeatures(model, captions);
    const { textToImage } = await retrieval(pictures, texts, captions);
    const sentences = input.heldOut.slice(0, searchCount).map((name) => `a picture of a ${name}`);
    const queries = await textFeatures(model, sentences);
    const nearest = (query: Float32Array, most: number) =>
      Array.from(similarities(query, pictures), (score, row) => ({ row, score }))
        .sort((a, b) => b.score - a.score)
        .slice(0, most);
    return {
      classes,
      heldOut: [...input.heldOut],
      images: heldOut.samples.length,
      zeroShotTop1: result.top1,
      seenTop1: seenResult.top1,
      recallAt1: textToImage[1] ?? 0,
      recallAt5: textToImage[5] ?? 0,
      engine: opened.engine.name,
      confusion: input.heldOut.map((truth) => ({
        truth,
        predicted: Object.fromEntries(
          (confusion[classes.indexOf(truth)] ?? []).flatMap((n, label) =>
            n > 0 ? [[classes[label]!, n]] : [],
          ),
        ),
      })),
      searches: sentences.map((sentence, at) => ({
        sentence,
        pictures: nearest(featureRow(queries, at), 5).map(({ row, score }) => ({
          caption: captions[row]!,
          score,
          jpeg: heldOut.samples[row]!.image,
        })),
      })),
    };
  } finally {
    await opened.close();
  }
}

interface Labelled {
  samples: ShardSample[];
  labels: number[];
}

/**
 * Samples whose texts together name exactly one combination, and that one of `names`, with its number. (PDQ knows no
 * colour: a few times in a thousand it takes two pictures for one, whose texts then contradict each other.)
 */
async function labelledSamples(release: string, names: readonly string[], most: number): Promise<Labelled> {
  const { labelRules } = await import("@pairloom/evaluation");
  const labelOf = labelRules(
    allCombinations.map((combination) => ({
      name: combinationName(combination),
      pattern: combinationPattern(combination),
    })),
  );
  const labelled: Labelled = { samples: [], labels: [] };
  const reader = await openShards(release);
  for await (const sample of reader) {
    if (labelled.samples.length >= most) break;
    const label = labelOf(textsOf(sample));
    if (label === null || !names.includes(combinationName(allCombinations[label]!))) continue;
    labelled.samples.push(sample);
    labelled.labels.push(label);
  }
  return labelled;
}

/** As many of each label as the rarest has, the first in the release's order. */
function balanced({ samples, labels }: Labelled): Labelled {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const each = Math.min(...counts.values());
  const taken = new Map<number, number>();
  const kept: Labelled = { samples: [], labels: [] };
  labels.forEach((label, at) => {
    const had = taken.get(label) ?? 0;
    if (had >= each) return;
    taken.set(label, had + 1);
    kept.samples.push(samples[at]!);
    kept.labels.push(label);
  });
  return kept;
}

async function embed({ model }: OpenModel, samples: readonly ShardSample[]): Promise<FeatureTable> {
  const { imageFeatures, preprocessPicture } = await import("@pairloom/evaluation");
  const preprocessing = (await import("@pairloom/clip")).preprocessingOf(model.config);
  const [height, width] = preprocessing.size;
  const size = height * width * 3;
  const pixels = new Float32Array(samples.length * size);
  await Promise.all(
    samples.map(async ({ image }, at) =>
      pixels.set(await preprocessPicture(image, preprocessing), at * size),
    ),
  );
  return imageFeatures(model, pixels);
}

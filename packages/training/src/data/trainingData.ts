import { RandomNumbers, imageSize, type ModelConfig } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import type { TrainSettings } from "../settings/trainSettings.js";
import { batchPlan } from "./batchPlan.js";
import { type Crop, cropPicture } from "./cropPicture.js";
import { type DecodedPicture, decodePicture } from "./decodedPicture.js";
import { loadCache } from "./loadCache.js";
import type { Release } from "./openRelease.js";
import { readAhead } from "./readAhead.js";
import type { ReleasePair } from "./readSamples.js";
import { streamPairs } from "./streamPairs.js";

/** What a step takes. */
export interface Batch {
  /** [B, S, S, 3], normalised. */
  images: Float32Array;
  texts: string[];
  /** The samples' keys, for messages. */
  keys: string[];
}

/** The pairs of a release as batches; the batch of a step depends on settings, data and step alone. */
export interface TrainingData {
  samples: number;
  stepsPerEpoch: number;
  /** True where all decoded pictures are in memory. */
  cached: boolean;
  /** Samples that could not be used. */
  skipped: number;
  /** Batches from a step on (0 is the first), without end. */
  batches(fromStep: number): AsyncGenerator<Batch, void>;
}

type DataSettings = Pick<
  TrainSettings,
  | "seed"
  | "batchSize"
  | "captions"
  | "keepCaptionsApart"
  | "cropMargin"
  | "brightness"
  | "cacheMegabytes"
  | "shuffleWindow"
  | "prefetch"
>;

/**
 * Opens a release for training: in memory if the decoded pictures fit the budget, else streamed with a shuffle window.
 *
 * @throws UserError "release_too_small" where it has no whole batch
 */
export async function openTrainingData(
  release: Release,
  settings: DataSettings,
  config: ModelConfig,
  log: (line: string) => void = () => {},
): Promise<TrainingData> {
  const [side, wide] = imageSize(config.vision_cfg);
  if (side !== wide) throw new UserError("model_not_square", "Training takes models with square images only");
  const budget = settings.cacheMegabytes * 2 ** 20;
  const cache = await loadCache(release, side + settings.cropMargin, budget, log);
  const samples = cache.pairs;
  const stepsPerEpoch = Math.floor(samples / settings.batchSize);
  if (stepsPerEpoch === 0) {
    throw new UserError(
      "release_too_small",
      `The release has ${samples} usable samples, fewer than one batch of ${settings.batchSize}`,
      { hint: "Choose a smaller --batch-size, or gather more." },
    );
  }
  const { pictures } = cache;
  const shared = { samples, stepsPerEpoch, skipped: cache.skipped };
  if (pictures === null) {
    const batches = (from: number) => streamedBatches(release, samples, settings, side, from);
    return { ...shared, cached: false, batches };
  }
  const captions = settings.keepCaptionsApart
    ? captionNumbers(pictures.map(({ texts }) => texts[0] ?? ""))
    : null;
  async function* batches(fromStep: number): AsyncGenerator<Batch, void> {
    for (let epoch = Math.floor(fromStep / stepsPerEpoch); ; epoch++) {
      const plan = batchPlan(samples, settings.batchSize, settings.seed, epoch, captions);
      const first = Math.max(0, fromStep - epoch * stepsPerEpoch);
      for (const numbers of plan.slice(first)) {
        const chosen = [...numbers].map((number) => ({ ...pictures![number]!, number }));
        yield assemble(chosen, settings, side, epoch);
      }
    }
  }
  return { ...shared, cached: true, batches };
}

async function* streamedBatches(
  release: Release,
  samples: number,
  settings: DataSettings,
  side: number,
  fromStep: number,
): AsyncGenerator<Batch, void> {
  const { batchSize } = settings;
  async function* decoded(): AsyncGenerator<Batch, void> {
    let group: (ReleasePair & { number: number; epoch: number })[] = [];
    const pairs = streamPairs(release, samples, settings.seed, settings.shuffleWindow, fromStep * batchSize);
    for await (const pair of pairs) {
      group.push(pair);
      if (group.length < batchSize) continue;
      yield await decodeBatch(group, settings, side);
      group = [];
    }
  }
  yield* readAhead(decoded(), settings.prefetch);
}

async function decodeBatch(
  group: readonly (ReleasePair & { number: number; epoch: number })[],
  settings: DataSettings,
  side: number,
): Promise<Batch> {
  const decoded = await Promise.all(
    group.map(({ image }) => decodePicture(image, side + settings.cropMargin).catch(() => null)),
  );
  const good = decoded.findIndex((picture) => picture !== null);
  if (good === -1) {
    throw new UserError("release_damaged", `No picture of the batch at ${group[0]!.key} can be decoded`);
  }
  // a picture that can't be decoded is replaced by another of its batch, so that the order never depends on it
  const chosen = group.map((pair, i) => {
    const picture = decoded[i] ?? null;
    return picture === null ? { ...group[good]!, picture: decoded[good]! } : { ...pair, picture };
  });
  return assemble(chosen, settings, side, group[0]!.epoch);
}

function assemble(
  chosen: readonly { key: string; picture: DecodedPicture; texts: readonly string[]; number: number }[],
  settings: DataSettings,
  side: number,
  epoch: number,
): Batch {
  const images = new Float32Array(chosen.length * side * side * 3);
  const texts = chosen.map((sample, i) => {
    const random = new RandomNumbers(settings.seed, `sample ${sample.number} of epoch ${epoch}`);
    const text = settings.captions === "first" ? 0 : random.integer(0, sample.texts.length);
    cropPicture(sample.picture, side, drawCrop(random, settings.brightness), images, i * side * side * 3);
    return sample.texts[text] as string;
  });
  return { images, texts, keys: chosen.map(({ key }) => key) };
}

function drawCrop(random: RandomNumbers, brightness: number): Crop {
  const sway = () => (2 * random.uniform() - 1) * brightness;
  return { x: random.uniform(), y: random.uniform(), gain: 1 + sway(), lift: sway() };
}

/** Equal captions (whatever their case) get equal numbers. */
function captionNumbers(captions: readonly string[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(captions, (caption) => {
    const text = caption.toLowerCase();
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  });
}

import { imageSize, type ModelConfig, RandomNumbers } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import { type ShardCursor, ShardReader, type ShardSample } from "@pairloom/shards";
import type { TrainSettings } from "../settings/trainSettings.js";
import { batchPlan } from "./batchPlan.js";
import { type Crop, cropPicture } from "./cropPicture.js";
import { decodePicture } from "./decodedPicture.js";
import { type CachedSample, loadCache } from "./loadCache.js";
import type { Release } from "./openRelease.js";
import { readAhead } from "./readAhead.js";
import { textsOf } from "./textsOf.js";

/** What a step takes. */
export interface Batch {
  /** [B, S, S, 3], normalised. */
  images: Float32Array;
  texts: string[];
  /** The samples' keys, for messages. */
  keys: string[];
  /** Where the batch after this one is read, where the data are streamed. */
  cursor: ShardCursor | null;
}

/** The pairs of a release as batches; the batch of a step depends on settings, data and step alone. */
export interface TrainingData {
  samples: number;
  stepsPerEpoch: number;
  /** True where all decoded pictures are in memory. */
  cached: boolean;
  /** Samples that could not be used. */
  skipped: number;
  /**
   * Batches after `step` steps, without end.
   *
   * @param cursor of the batch of that step, where the data are streamed
   */
  batches(step: number, cursor: ShardCursor | null): AsyncGenerator<Batch, void>;
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
  const [side, width] = imageSize(config.vision_cfg);
  if (side !== width)
    throw new UserError("model_not_square", "Training takes models with square images only");
  const budget = settings.cacheMegabytes * 2 ** 20;
  const { pairs, pictures, skipped } = await loadCache(release, side + settings.cropMargin, budget, log);
  const stepsPerEpoch = Math.floor(pairs / settings.batchSize);
  if (stepsPerEpoch === 0) {
    throw new UserError(
      "release_too_small",
      `The release has ${pairs} usable samples, fewer than one batch of ${settings.batchSize}`,
      { hint: "Choose a smaller --batch-size, or gather more." },
    );
  }
  const makeBatch = (chosen: readonly CachedSample[], step: number, cursor: ShardCursor | null) =>
    assemble(chosen, settings, side, step, cursor);
  const batches: TrainingData["batches"] =
    pictures === null
      ? (step, cursor) =>
          readAhead(streamed(release, settings, side, step, cursor, makeBatch), settings.prefetch)
      : (step) => cached(pictures, settings, stepsPerEpoch, step, makeBatch);
  return { samples: pairs, stepsPerEpoch, cached: pictures !== null, skipped, batches };
}

type MakeBatch = (chosen: readonly CachedSample[], step: number, cursor: ShardCursor | null) => Batch;

async function* cached(
  pictures: readonly CachedSample[],
  settings: DataSettings,
  stepsPerEpoch: number,
  from: number,
  makeBatch: MakeBatch,
): AsyncGenerator<Batch, void> {
  const captions = settings.keepCaptionsApart ? captionNumbers(pictures) : null;
  let step = from;
  for (;;) {
    const epoch = Math.floor(step / stepsPerEpoch);
    const plan = batchPlan(pictures.length, settings.batchSize, settings.seed, epoch, captions);
    for (const numbers of plan.slice(step % stepsPerEpoch)) {
      const chosen = Array.from(numbers, (number) => pictures[number]!);
      yield makeBatch(chosen, step, null);
      step++;
    }
  }
}

async function* streamed(
  release: Release,
  settings: DataSettings,
  side: number,
  from: number,
  cursor: ShardCursor | null,
  makeBatch: MakeBatch,
): AsyncGenerator<Batch, void> {
  const reader = await ShardReader.open(release.store, {
    shuffleBuffer: settings.shuffleWindow,
    seed: settings.seed,
    epochs: Infinity,
    ...(cursor === null ? {} : { cursor }),
  });
  let step = from;
  let group: ShardSample[] = [];
  for await (const sample of reader) {
    group.push(sample);
    if (group.length < settings.batchSize) continue;
    const after = reader.cursor();
    yield makeBatch(await decodeGroup(group, side + settings.cropMargin), step, after);
    group = [];
    step++;
  }
}

/** A picture that can't be decoded is replaced by another pair of its batch, so that the order never depends on it. */
async function decodeGroup(group: readonly ShardSample[], side: number): Promise<CachedSample[]> {
  const decoded = await Promise.all(
    group.map(async (sample): Promise<CachedSample | null> => {
      const picture = await decodePicture(sample.image, side).catch(() => null);
      return picture && { key: sample.key, texts: textsOf(sample), picture };
    }),
  );
  const good = decoded.find((sample) => sample !== null);
  if (good === undefined) {
    throw new UserError("release_damaged", `No picture of the batch at ${group[0]!.key} can be decoded`);
  }
  return decoded.map((sample) => sample ?? good);
}

function assemble(
  chosen: readonly CachedSample[],
  settings: DataSettings,
  side: number,
  step: number,
  cursor: ShardCursor | null,
): Batch {
  const size = side * side * 3;
  const images = new Float32Array(chosen.length * size);
  const texts = chosen.map((sample, i) => {
    const random = new RandomNumbers(settings.seed, `row ${i} of step ${step}`);
    const text = settings.captions === "first" ? 0 : random.integer(0, sample.texts.length);
    cropPicture(sample.picture, side, drawCrop(random, settings.brightness), images, i * size);
    return sample.texts[text]!;
  });
  return { images, texts, keys: chosen.map(({ key }) => key), cursor };
}

function drawCrop(random: RandomNumbers, brightness: number): Crop {
  const sway = () => (2 * random.uniform() - 1) * brightness;
  return { x: random.uniform(), y: random.uniform(), gain: 1 + sway(), lift: sway() };
}

/** Equal captions (whatever their case) get equal numbers. */
function captionNumbers(samples: readonly CachedSample[]): Int32Array {
  const numbers = new Map<string, number>();
  return Int32Array.from(samples, ({ texts }) => {
    const caption = texts[0]!.toLowerCase();
    const number = numbers.get(caption) ?? numbers.size;
    numbers.set(caption, number);
    return number;
  });
}

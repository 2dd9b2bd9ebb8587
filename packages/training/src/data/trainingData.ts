import { availableParallelism } from "node:os";
import { imageSize, type ModelConfig, preprocessingOf } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import type { ShardCursor } from "@pairloom/shards";
import { createTokenizer } from "@pairloom/tokenizer";
import type { TrainSettings } from "../settings/trainSettings.js";
import { type Batch, finishBatch } from "./batch.js";
import { type CaptionReport, drawCaptions, readCaptions, reportCaptions } from "./captionReport.js";
import { loadCache } from "./loadCache.js";
import { makeRows, type RowSettings } from "./makeRows.js";
import type { Release } from "./openRelease.js";
import { readAhead } from "./readAhead.js";
import { cachedGroups, type SampleGroup, streamedGroups } from "./sampleGroups.js";
import { batchBytes, DataThreads, type DataThreadsOptions } from "./threads/dataThreads.js";

/** The pairs of a release as batches; the batch of a step depends on settings, data and step alone. */
export interface TrainingData {
  samples: number;
  stepsPerEpoch: number;
  /** True where all decoded pictures are in memory. */
  cached: boolean;
  /** Samples that could not be used. */
  skipped: number;
  /** Threads that make batches ready, a reader of shards not counted; 0: the thread that takes them. */
  workers: number;
  /**
   * Memory that the data take: pictures in memory, and the batches ready, under way and in the step. A stream holds its
   * encoded pictures on top: up to two shuffle windows of them, four where captions are kept apart.
   */
  cacheBytes: number;
  batchBytes: number;
  captionReport: CaptionReport;
  /**
   * Batches after `step` steps, without end; ready ahead of the step, by threads that end with the generator.
   *
   * @param cursor of the batch of that step, where the data are streamed
   */
  batches(step: number, cursor: ShardCursor | null): AsyncGenerator<Batch, void>;
}

export type DataSettings = Pick<
  TrainSettings,
  | "seed"
  | "batchSize"
  | "captions"
  | "keepCaptionsApart"
  | "crop"
  | "cropMargin"
  | "cropMinArea"
  | "brightness"
  | "cacheMegabytes"
  | "shuffleWindow"
  | "prefetch"
  | "dataWorkers"
>;

/** Threads where none are asked for: half of the cores, since the step wants them as well. */
export const defaultDataWorkers = (cores = availableParallelism()): number =>
  Math.min(8, Math.max(1, Math.floor(cores / 2)));

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
  const { seed, batchSize, prefetch } = settings;
  const budget = settings.cacheMegabytes * 2 ** 20;
  const { pairs, samples, bytes, skipped } = await loadCache(release, side, settings, budget, log);
  const stepsPerEpoch = Math.floor(pairs / batchSize);
  if (stepsPerEpoch === 0) {
    throw new UserError(
      "release_too_small",
      `The release has ${pairs} usable samples, fewer than one batch of ${batchSize}`,
      { hint: "Choose a smaller --batch-size, or gather more." },
    );
  }
  const rows = rowSettings(settings, side, config);
  const workers = settings.dataWorkers ?? defaultDataWorkers();
  const slots = prefetch + 1;
  const captions =
    samples === null
      ? await readCaptions(release, seed)
      : drawCaptions(
          samples.map(({ texts }) => texts[0] as string),
          seed,
        );
  const threaded = (step: number, source: DataThreadsOptions["source"]) =>
    threadedBatches({ threads: workers, slots, batchSize, rows, step, source });
  const batches: TrainingData["batches"] = (step, cursor) => {
    if (samples !== null) {
      const groups = cachedGroups(samples, settings, step);
      return workers > 0 ? threaded(step, { groups }) : ownBatches(groups, rows, step);
    }
    if (workers > 0) {
      const { keepCaptionsApart, shuffleWindow } = settings;
      const groupSettings = { seed, batchSize, keepCaptionsApart, shuffleWindow };
      return threaded(step, { shards: { url: release.store.url, settings: groupSettings, cursor } });
    }
    return readAhead(ownBatches(streamedGroups(release.store, settings, step, cursor), rows, step), prefetch);
  };
  return {
    samples: pairs,
    stepsPerEpoch,
    cached: samples !== null,
    skipped,
    workers,
    cacheBytes: bytes,
    batchBytes: slots * batchBytes(batchSize, rows),
    captionReport: reportCaptions(captions, rows.contextLength, createTokenizer()),
    batches,
  };
}

function rowSettings(settings: DataSettings, side: number, config: ModelConfig): RowSettings {
  const { seed, captions, crop, cropMargin, cropMinArea, brightness } = settings;
  const { mean, deviation } = preprocessingOf(config);
  const contextLength = config.text_cfg.context_length;
  return { seed, captions, crop, cropMargin, cropMinArea, brightness, side, contextLength, mean, deviation };
}

async function* threadedBatches(options: DataThreadsOptions): AsyncGenerator<Batch, void> {
  const threads = new DataThreads(options);
  try {
    for (let { step } = options; ; step++) {
      const { arrays, notes, cursor } = await threads.take(step);
      yield finishBatch(arrays, notes, cursor);
      threads.giveBack(step);
    }
  } finally {
    await threads.close();
  }
}

/** Batches made by the thread that takes them. */
async function* ownBatches(
  groups: Iterable<SampleGroup> | AsyncIterable<SampleGroup>,
  rows: RowSettings,
  step: number,
): AsyncGenerator<Batch, void> {
  const tokenizer = createTokenizer();
  for await (const { samples, cursor } of groups) {
    const arrays = {
      images: new Float32Array(samples.length * rows.side ** 2 * 3),
      tokens: new Int32Array(samples.length * rows.contextLength),
    };
    const notes = await makeRows(samples, step, 0, rows, tokenizer, arrays);
    yield finishBatch(arrays, notes, cursor);
    step++;
  }
}

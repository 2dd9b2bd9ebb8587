import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { checkTokenizerFit, preprocessingOf } from "@pairloom/clip";
import { readShardBatches, type ShardFile, type ShardSample } from "@pairloom/shards";
import type { Store } from "@pairloom/storage";
import { embedPictures } from "../embedPictures.js";
import { type EvaluatedModel, textFeatures } from "../encodeFeatures.js";
import { checkFinite, type FeatureTable } from "../featureTable.js";
import { PreprocessThreads } from "../preprocessThreads.js";
import { removeStrayCodes } from "./codedParts.js";
import { type IndexedSample, isPartName, partName, publishPart, readPart } from "./indexPart.js";
import { claimIndex, type SearchKind } from "./indexRecord.js";
import { ShardHashes } from "./shardHashes.js";

export interface EmbedOptions {
  /** Stands for the weights: an index of other weights is refused. */
  fingerprint: string;
  kind?: SearchKind;
  batchSize?: number;
  /** Samples of a part: at most so many are embedded again after a kill. */
  partSamples?: number;
  /** Threads that decode pictures. */
  threads?: number;
  progress?: (done: EmbedProgress) => void;
  signal?: AbortSignal;
}

export interface EmbedProgress {
  /** Samples that are in the index, … */
  rows: number;
  /** … of which so many were embedded just now, the others before. */
  fresh: number;
  /** Samples that could not be read. */
  skipped: number;
}

type Settings = EmbedOptions & Required<Pick<EmbedOptions, "kind" | "batchSize" | "partSamples">>;

/**
 * Embeds the pictures (or the texts) of a release once, into `folder`, part by part. A part that is there already is
 * kept if its shard holds the same bytes, so a run that was stopped or killed goes on where it was; parts of shards that
 * changed or are gone are removed.
 *
 * @throws UserError "index_differs" where the folder holds an index of other weights or another preprocessing, "tokenizer_misfit",
 * "features_not_finite"
 */
export async function embedRelease(
  store: Store,
  shards: readonly ShardFile[],
  model: EvaluatedModel,
  folder: string,
  options: EmbedOptions,
): Promise<EmbedProgress> {
  const settings: Settings = { kind: "images", batchSize: 64, partSamples: 2048, ...options };
  const { kind, progress = () => {}, signal } = settings;
  await mkdir(folder, { recursive: true });
  if (kind === "texts") checkTokenizerFit(model.config);
  await claimIndex(folder, options.fingerprint, model.config);
  const hashes = await ShardHashes.open(folder);
  const wanted = new Set<string>();
  const done: EmbedProgress = { rows: 0, fresh: 0, skipped: 0 };
  // threads start when the first picture is embedded: an index that is complete needs none
  let threads: PreprocessThreads | undefined;
  const embedder: Embedder = {
    model,
    pictureThreads: () =>
      (threads ??= new PreprocessThreads(preprocessingOf(model.config), settings.threads)),
  };
  try {
    for (const { name: shard } of shards) {
      const sha256 = await hashes.of(store, shard);
      let start: number | null = 0;
      for (let block = 0; start !== null; block++) {
        signal?.throwIfAborted();
        const name = partName(kind, shard, block);
        wanted.add(name);
        const old = await readPart(folder, name);
        if (old?.sha256 === sha256 && old.start === start) {
          done.rows += old.rows;
          done.skipped += old.skipped;
          start = old.next;
          continue;
        }
        const { features, samples, next, skipped } = await embedStretch(
          store,
          shard,
          start,
          embedder,
          settings,
        );
        await publishPart(join(folder, name), { shard, sha256, start, next, skipped }, features, samples);
        done.rows += samples.length;
        done.fresh += samples.length;
        done.skipped += skipped;
        start = next;
        progress({ ...done });
      }
    }
  } finally {
    await threads?.close();
  }
  for (const name of await readdir(folder))
    if ((isPartName(name, kind) && !wanted.has(name)) || (await isLeftOver(join(folder, name))))
      await rm(join(folder, name), { force: true });
  await removeStrayCodes(folder);
  await hashes.save();
  return done;
}

/** What a killed run had been writing; a younger one may be another process's. */
async function isLeftOver(path: string): Promise<boolean> {
  if (!path.endsWith(".part")) return false;
  const written = (await stat(path).catch(() => null))?.mtimeMs ?? Infinity;
  return Date.now() - written > 3_600_000;
}

interface Embedder {
  model: EvaluatedModel;
  pictureThreads: () => PreprocessThreads;
}

/** Embeds samples of a shard from a byte on. `next` is where the samples begin that are left. */
async function embedStretch(
  store: Store,
  shard: string,
  start: number,
  embedder: Embedder,
  settings: Settings,
) {
  const stretch = new Stretch(store, shard, start, settings.partSamples);
  const embedded = await (settings.kind === "images" ? embedImages : embedTexts)(stretch, embedder, settings);
  return { ...embedded, next: stretch.next, skipped: embedded.skipped + stretch.damaged };
}

interface Embedded {
  features: FeatureTable;
  samples: IndexedSample[];
  skipped: number;
}

async function embedImages(
  stretch: Stretch,
  { model, pictureThreads }: Embedder,
  settings: Settings,
): Promise<Embedded> {
  const threads = pictureThreads();
  const { features, kept, skipped } = await embedPictures(model, stretch.samples(), ({ kept }) => kept, {
    batchSize: settings.batchSize,
    signal: settings.signal,
    preprocess: (image) => threads.preprocess(image),
  });
  return { features, samples: kept, skipped };
}

async function embedTexts(stretch: Stretch, { model }: Embedder, settings: Settings): Promise<Embedded> {
  const samples: IndexedSample[] = [];
  for await (const { kept } of stretch.samples()) samples.push(kept);
  const texts = samples.map(({ text }) => text);
  return { features: checkFinite(await textFeatures(model, texts, settings.batchSize)), samples, skipped: 0 };
}

/** At most `most` samples of a shard from a byte on; `next` and `damaged` hold once they have been read. */
class Stretch {
  next: number | null = null;
  private readonly damagedAt: number[] = [];

  constructor(
    private readonly store: Store,
    private readonly shard: string,
    private readonly start: number,
    private readonly most: number,
  ) {}

  /** Damage that was read ahead but belongs to what comes later is counted there. */
  get damaged(): number {
    return this.damagedAt.filter((offset) => this.next === null || offset < this.next).length;
  }

  async *samples(): AsyncGenerator<{ image: Uint8Array; kept: IndexedSample }> {
    const { store, shard, start } = this;
    let count = 0;
    for await (const batch of readShardBatches(store, shard, start, ({ offset }) =>
      this.damagedAt.push(offset),
    )) {
      for (const { sample, offset } of batch) {
        if (count++ === this.most) {
          this.next = offset;
          return;
        }
        yield { image: sample.image, kept: keptOf(sample, shard, offset) };
      }
    }
  }
}

function keptOf({ key, text, json }: ShardSample, shard: string, offset: number): IndexedSample {
  const url = json?.["url"];
  return { key, shard, text, url: typeof url === "string" ? url : null, offset };
}

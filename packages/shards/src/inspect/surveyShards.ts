import { createHash } from "node:crypto";
import { openStore, type Store } from "@pairloom/storage";
import { type NoteKind, Quarantine, type QuarantineReason, type ReaderNote } from "../reader/quarantine.js";
import { readShardBatches } from "../reader/readShard.js";
import { findShards } from "../reader/findShards.js";
import { seededOrder } from "../reader/seededOrder.js";
import { copyOfSample, type ShardSample } from "../reader/shardSample.js";
import { type Quantiles, quantilesOf } from "./quantiles.js";

export interface SurveyOptions {
  /** Samples that are chosen to be looked at: 24. */
  samples?: number;
  /** Decides which, and which shards are read where not all are. */
  seed?: number;
  /** Shards that are read at most: 10. */
  maxShards?: number;
  /** The tar to read, alone. */
  tar?: string;
  onProgress?: (progress: { shards: number; ofShards: number; samples: number }) => void;
}

/** A sample that was chosen; it owns its bytes. */
export type ChosenSample = ShardSample & { shard: string };

/** What a look into shards found. */
export interface Survey {
  /** Shards that were read, of those that are there. */
  shards: number;
  ofShards: number;
  /** Of the shards that were read, as all that follows. */
  samples: number;
  /** By extension. */
  formats: Record<string, number>;
  pictureBytes: Quantiles;
  captionCharacters: Quantiles;
  /** Captions that another sample has, too. */
  repeatedCaptions: number;
  quarantined: Partial<Record<QuarantineReason, number>>;
  /** What was passed over without a sample being lost. */
  noted: Partial<Record<NoteKind, number>>;
  /** In the order of shards and keys. */
  chosen: ChosenSample[];
}

/**
 * Reads shards, ours or another program's, and chooses samples by seed: those whose hash of seed, shard and key is
 * least, whatever the order in which they come. Memory holds the chosen pictures and about 100 bytes a sample.
 * @throws UserError where there are no shards, BlobNotFoundError
 */
export async function surveyShards(place: string | Store, options: SurveyOptions = {}): Promise<Survey> {
  const { samples: wanted = 24, seed = 0, maxShards = 10, tar } = options;
  const store = typeof place === "string" ? await openStore(place, { readOnly: true }) : place;
  const all = tar === undefined ? (await findShards(store)).map(({ name }) => name) : [tar];
  const order = seededOrder(all.length, seed).slice(0, maxShards);
  const names = order.sort((a, b) => a - b).map((at) => all[at] as string);
  const choice = new Choice(wanted, seed);
  const quarantine = new Quarantine(0);
  const formats: Record<string, number> = {};
  const [sizes, lengths]: [number[], number[]] = [[], []];
  const captions = new Set<string>();
  const noted: Survey["noted"] = {};
  const onNote = ({ kind }: ReaderNote) => {
    noted[kind] = (noted[kind] ?? 0) + 1;
  };
  for (const [at, shard] of names.entries()) {
    for await (const batch of readShardBatches(store, shard, 0, (member) => quarantine.add(member), onNote)) {
      for (const { sample } of batch) {
        formats[sample.extension] = (formats[sample.extension] ?? 0) + 1;
        sizes.push(sample.image.length);
        lengths.push([...sample.text].length);
        captions.add(captionHash(sample.text));
        choice.offer(shard, sample);
      }
    }
    options.onProgress?.({ shards: at + 1, ofShards: names.length, samples: sizes.length });
  }
  return {
    shards: names.length,
    ofShards: all.length,
    samples: sizes.length,
    formats,
    pictureBytes: quantilesOf(sizes),
    captionCharacters: quantilesOf(lengths),
    repeatedCaptions: sizes.length - captions.size,
    quarantined: quarantine.counts,
    noted,
    chosen: choice.chosen(),
  };
}

const captionHash = (text: string): string => createHash("sha1").update(text).digest("base64").slice(0, 16);

/** Keeps the samples whose hash is least. */
class Choice {
  private kept: { rank: string; sample: ChosenSample }[] = [];

  constructor(
    private readonly count: number,
    private readonly seed: number,
  ) {}

  offer(shard: string, sample: ShardSample): void {
    const rank = createHash("sha256").update(`${this.seed}\n${shard}\n${sample.key}`).digest("hex");
    const last = this.kept.at(-1);
    if (this.kept.length === this.count && (last === undefined || rank >= last.rank)) return;
    // The bytes are views of a chunk of the shard, which must not be held for the sake of one picture.
    this.kept.push({ rank, sample: { ...copyOfSample(sample), shard } });
    this.kept.sort((a, b) => (a.rank < b.rank ? -1 : 1));
    this.kept.length = Math.min(this.kept.length, this.count);
  }

  chosen(): ChosenSample[] {
    const place = ({ shard, key }: ChosenSample) => `${shard}\n${key}`;
    return this.kept.map(({ sample }) => sample).sort((a, b) => (place(a) < place(b) ? -1 : 1));
  }
}

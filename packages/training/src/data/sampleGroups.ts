import { type ShardCursor, ShardReader, type ShardSample } from "@pairloom/shards/reader";
import type { Store } from "@pairloom/storage";
import { batchPlan, keepApart } from "./batchPlan.js";
import { captionNumbers } from "./captionNumbers.js";
import type { Sample } from "./sample.js";
import { textsOf } from "./textsOf.js";

/** The samples of one batch, in the order of its rows. */
export interface SampleGroup {
  samples: Sample[];
  /** Where the group after this one is read; null where the samples are in memory. */
  cursor: ShardCursor | null;
}

/** What decides which samples share a batch. */
export interface GroupSettings {
  seed: number;
  batchSize: number;
  keepCaptionsApart: boolean;
  /** Samples that are shuffled together where the data are streamed. */
  shuffleWindow: number;
}

const caption = ({ texts }: Sample) => texts[0] as string;

/** Batches of samples that are in memory, from a step on, without end. */
export function* cachedGroups(
  samples: readonly Sample[],
  { seed, batchSize, keepCaptionsApart }: GroupSettings,
  step: number,
): Generator<SampleGroup, void> {
  const captions = keepCaptionsApart ? captionNumbers(samples.map(caption)) : null;
  const perEpoch = Math.floor(samples.length / batchSize);
  let skip = step % perEpoch;
  for (let epoch = Math.floor(step / perEpoch); ; epoch++) {
    const plan = batchPlan(samples.length, batchSize, seed, epoch, captions);
    for (const numbers of plan.slice(skip)) {
      yield { samples: Array.from(numbers, (number) => samples[number] as Sample), cursor: null };
    }
    skip = 0;
  }
}

/**
 * Batches of samples as they are read from shards, from a step on, without end. The encoded pictures of up to two shuffle
 * windows are in memory, of up to four where captions are kept apart.
 *
 * @param cursor that of the group before; null at the beginning
 */
export async function* streamedGroups(
  store: Store,
  settings: GroupSettings,
  step: number,
  cursor: ShardCursor | null,
): AsyncGenerator<SampleGroup, void> {
  const { seed, batchSize, shuffleWindow, keepCaptionsApart } = settings;
  const reader = await ShardReader.open(store, {
    shuffleBuffer: shuffleWindow,
    seed,
    epochs: Infinity,
    ...(cursor === null ? {} : { cursor }),
  });
  const stream = reader[Symbol.asyncIterator]();
  const take = async (count: number): Promise<Sample[]> => {
    const samples: Sample[] = [];
    while (samples.length < count) {
      const { value } = await stream.next();
      samples.push(sampleOf(value as ShardSample));
    }
    return samples;
  };
  try {
    if (keepCaptionsApart) yield* groupsApart(reader, take, settings, step);
    else for (;;) yield { samples: await take(batchSize), cursor: reader.cursor() };
  } finally {
    await stream.return();
  }
}

/**
 * Plans the batches of each window of samples so that equal captions are apart. Windows begin at multiples of their
 * number of batches, so a step and the cursor of its window's beginning say all: a resumed run reads that window again.
 */
async function* groupsApart(
  reader: ShardReader,
  take: (count: number) => Promise<Sample[]>,
  { batchSize, shuffleWindow }: GroupSettings,
  step: number,
): AsyncGenerator<SampleGroup, void> {
  const batches = Math.max(1, Math.floor(shuffleWindow / batchSize));
  const order = Int32Array.from({ length: batches * batchSize }, (_, i) => i);
  let skip = step % batches;
  let start = reader.cursor();
  let window = await take(batches * batchSize);
  for (;;) {
    const end = reader.cursor();
    const next: Sample[] = [];
    const plan = keepApart(order, batchSize, batches, captionNumbers(window.map(caption)));
    for (const [batch, numbers] of plan.entries()) {
      if (batch >= skip) {
        const samples = Array.from(numbers, (number) => window[number] as Sample);
        yield { samples, cursor: batch + 1 === batches ? end : start };
      }
      // bit by bit, so that no step waits for a whole window
      for (const sample of await take(batchSize)) next.push(sample);
    }
    skip = 0;
    start = end;
    window = next;
  }
}

function sampleOf(sample: ShardSample): Sample {
  return { key: sample.key, texts: textsOf(sample), picture: sample.image };
}

import { RandomNumbers } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import type { Release } from "./openRelease.js";
import { readSamples, type ReleasePair } from "./readSamples.js";
import { shuffle } from "./shuffle.js";

/**
 * The pairs of a release epoch after epoch, without end: shards in random order, pairs shuffled in a window. The order
 * depends on seed, window and data alone.
 *
 * @param samples pairs in the release
 * @param from pairs to pass over, counted from the first epoch's beginning
 * @throws UserError "release_damaged" where an epoch has another number of pairs
 */
export async function* streamPairs(
  release: Release,
  samples: number,
  seed: number,
  window: number,
  from: number,
): AsyncGenerator<ReleasePair & { number: number; epoch: number }, void> {
  for (let epoch = Math.floor(from / samples); ; epoch++) {
    let number = 0;
    const first = from - epoch * samples;
    for await (const pair of epochOf(release, seed, window, epoch)) {
      if (number >= first) yield { ...pair, number, epoch };
      number++;
    }
    if (number !== samples) {
      throw new UserError(
        "release_damaged",
        `The release has ${number} pairs where ${samples} were expected: did it change, or is a shard damaged?`,
        { hint: "Write the release again, then start a new run." },
      );
    }
  }
}

async function* epochOf(
  release: Release,
  seed: number,
  window: number,
  epoch: number,
): AsyncGenerator<ReleasePair, void> {
  const random = new RandomNumbers(seed, `stream of epoch ${epoch}`);
  const shards = [...release.shards];
  shuffle(shards, random);
  const held: ReleasePair[] = [];
  for (const shard of shards) {
    for await (const pair of readSamples(release.store, shard)) {
      // a view into the shard's chunk would keep all of the chunk
      const own = { ...pair, image: Buffer.from(pair.image) };
      if (held.length < window) {
        held.push(own);
        continue;
      }
      const at = random.integer(0, held.length);
      yield held[at]!;
      held[at] = own;
    }
  }
  shuffle(held, random);
  yield* held;
}

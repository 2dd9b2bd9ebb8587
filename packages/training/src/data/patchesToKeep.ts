import { RandomNumbers } from "@pairloom/clip/images";

/**
 * The patches that patch dropout leaves to each picture of a step, as open_clip's PatchDropout chooses them: a random
 * subset of max(1, ⌊N·(1−share)⌋) of the N patches; the class token is none of them and always stays. Depends on its
 * arguments alone, so that a step, or the second pass over its micro-batches, can be replayed.
 *
 * @param step 1 for the first
 * @param share of the patches that is left out, from 0 up to but without 1
 * @returns [B, kept] patch numbers, ascending in each row
 */
export function patchesToKeep(
  seed: number,
  step: number,
  pictures: number,
  patches: number,
  share: number,
): Int32Array {
  if (!(share >= 0 && share < 1)) {
    throw new RangeError(`Expected \`share\` to be a number from 0 and below 1, got ${share}`);
  }
  const kept = keptPatches(patches, share);
  const table = new Int32Array(pictures * kept);
  const order = new Int32Array(patches);
  for (let row = 0; row < pictures; row++) {
    const random = new RandomNumbers(seed, `patches of row ${row} of step ${step}`);
    for (let i = 0; i < patches; i++) order[i] = i;
    // the beginning of a Fisher–Yates shuffle is a random subset
    for (let i = 0; i < kept; i++) {
      const j = random.integer(i, patches);
      const chosen = order[j] as number;
      order[j] = order[i] as number;
      order[i] = chosen;
    }
    table.set(order.subarray(0, kept).sort(), row * kept);
  }
  return table;
}

/** How many of N patches stay where a share is dropped: max(1, ⌊N·(1−share)⌋). */
export function keptPatches(patches: number, share: number): number {
  return Math.max(1, Math.floor(patches * (1 - share)));
}

import type { RandomNumbers } from "@pairloom/clip/images";

/** Puts the items in random order, in place (Fisher and Yates). */
export function shuffle<T>(items: { length: number; [index: number]: T }, random: RandomNumbers): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.integer(0, i + 1);
    const kept = items[i] as T;
    items[i] = items[j] as T;
    items[j] = kept;
  }
}

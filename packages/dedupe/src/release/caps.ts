import type { Reason, ReleaseSettings } from "@pairloom/config";
import { QueryBalance } from "@pairloom/querylist";
import { byteOrder } from "../byteOrder.js";
import type { Sorter, Spill } from "../sorting/spill.js";
import { groupsOf } from "../sorting/streams.js";
import type { Answers } from "./answers.js";
import type { Entry } from "./entry.js";

const fates: readonly (Reason | null)[] = [null, "caption_repeated", "query_cap"];
const [keptFate, captionFate, queryFate] = [0, 1, 2];

/**
 * Of each caption (in any case) some entries stay, and of those each query keeps some, or as many as answer a rarer
 * query as well. Who comes first is decided by seeded hash.
 */
export class Caps {
  readonly #spill: Spill;
  readonly #settings: Pick<ReleaseSettings, "maxCaptionRepeats" | "maxPairsPerQuery">;
  readonly #captions: Sorter<[caption: string, order: string, place: number]>;

  constructor(spill: Spill, settings: Pick<ReleaseSettings, "maxCaptionRepeats" | "maxPairsPerQuery">) {
    this.#spill = spill;
    this.#settings = settings;
    this.#captions = spill.sorter({
      order: (a, b) => byteOrder(a[0], b[0]) || byteOrder(a[1], b[1]) || a[2] - b[2],
    });
  }

  async add(place: number, { caption, order }: Entry): Promise<void> {
    await this.#captions.add([caption.toLowerCase(), order, place]);
  }

  /** All entries were added: why each is left out, by its place; null where it is kept. A byte an entry. */
  async decide(answers: Answers): Promise<(place: number) => Reason | null> {
    const captions = await this.#captions.sorted();
    const fate = new Uint8Array(captions.count);
    const left = this.#spill.sorter<[order: string, place: number]>({ order: (a, b) => a[1] - b[1] });
    for await (const group of groupsOf(captions, (a, b) => a[0] === b[0]))
      for (const [i, [, order, place]] of group.entries()) {
        if (i < this.#settings.maxCaptionRepeats) await left.add([order, place]);
        else fate[place] = captionFate;
      }
    await captions.drop();

    const byPlace = await left.sorted();
    const visits = this.#spill.sorter<[order: string, place: number, queries: string[]]>({
      order: (a, b) => byteOrder(a[0], b[0]) || a[1] - b[1],
    });
    for await (const [[order, place], queries] of answers.of(byPlace, ([, at]) => at))
      await visits.add([order, place, queries]);
    await byPlace.drop();

    const balance = new QueryBalance(this.#settings.maxPairsPerQuery);
    const byOrder = await visits.sorted();
    for await (const [, place, queries] of byOrder)
      fate[place] = balance.keeps(queries) ? keptFate : queryFate;
    await byOrder.drop();
    return (place) => fates[fate[place]!]!;
  }
}

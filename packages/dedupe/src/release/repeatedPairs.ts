import type { DedupeSettings } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import type { Sorted, Spill } from "../sorting/spill.js";
import { groupsOf, joined, numbered } from "../sorting/streams.js";
import { comparablePdq } from "./doubles.js";
import { type Entry, entryWeight, rowsOf } from "./entry.js";
import { speakersAtMost } from "./picture.js";
import type { Rejections } from "./rejections.js";

/**
 * Of entries with the same picture (its bytes, or an equal PDQ hash) and the same caption, in any case, the first stays
 * and gets the rows of the others. With the layers of bytes and nearness on, no two kept pictures have either in
 * common; it finds what those let through that are off.
 * @param entries in release order
 */
export async function* joinRepeatedPairs(
  entries: AsyncIterable<Entry>,
  settings: DedupeSettings,
  spill: Spill,
  rejections: Rejections,
): AsyncGenerator<Entry, void> {
  if (!settings.pairs || (settings.bytes && settings.near)) {
    yield* entries;
    return;
  }
  const pairsOf = ({ picture: { fetched }, caption }: Entry): string[] => {
    const pdq = settings.near ? null : comparablePdq(fetched, settings);
    const images = [...(settings.bytes ? [] : [fetched.sha256]), ...(pdq === null ? [] : [`pdq ${pdq}`])];
    return images.map((image) => `${image} ${caption.toLowerCase()}`);
  };
  const pairs = spill.sorter<string>({ order: byteOrder });
  const all = spill.sorter<Entry>({ order: null, weigh: entryWeight });
  for await (const entry of entries) {
    await all.add(entry);
    for (const pair of pairsOf(entry)) await pairs.add(pair);
  }
  const repeated = await repeatedOf(await pairs.sorted());

  const stored = await all.sorted();
  const first = new Map<string, { place: number; candidateId: string }>();
  const joining = new Set<number>();
  const repeats = spill.sorter<{ of: number; entry: Entry }>({
    order: (a, b) => a.of - b.of,
    weigh: ({ entry }) => entryWeight(entry),
  });
  for await (const [entry, place] of numbered(stored)) {
    const own = pairsOf(entry).filter((pair) => repeated.has(pair));
    const known = own.map((pair) => first.get(pair)).find((one) => one !== undefined);
    const { candidateId } = entry.picture.rows[0];
    for (const pair of own) if (!first.has(pair)) first.set(pair, known ?? { place, candidateId });
    if (known === undefined) continue;
    joining.add(place);
    await rejections.addPicture(entry.picture, "duplicate_pair", { of: known.candidateId });
    await repeats.add({ of: known.place, entry });
  }
  const sorted = await repeats.sorted();
  for await (const [[entry, place], own] of joined(numbered(stored), sorted, (one, [, at]) => one.of - at)) {
    if (joining.has(place)) continue;
    const others = [...entry.others, ...own.flatMap((one) => rowsOf(one.entry))].slice(0, speakersAtMost);
    yield { ...entry, others };
  }
  await Promise.all([stored.drop(), sorted.drop()]);
}

/** The strings that come more than once; they are dropped. */
async function repeatedOf(pairs: Sorted<string>): Promise<Set<string>> {
  const repeated = new Set<string>();
  for await (const group of groupsOf(pairs, (a, b) => a === b)) if (group.length > 1) repeated.add(group[0]);
  await pairs.drop();
  return repeated;
}

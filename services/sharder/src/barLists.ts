import { createHash } from "node:crypto";
import { barEntry, type BarEntry, barKinds, type BarListRef, UserError } from "@pairloom/config";
import { type BarList, byteOrder } from "@pairloom/dedupe";
import { BlobDamagedError, publishLines, readLines, type Store } from "@pairloom/storage";

/** A list is one text in memory while it is published. */
const maxEntries = 5_000_000;

export const barListFile = (sha256: string): string => `lists/${sha256}.jsonl.gz`;

/** Each entry once, in byte order, and what they are called together. */
function fixed(entries: Iterable<BarEntry>): { sorted: BarEntry[]; sha256: string } {
  const lines = new Set<string>();
  for (const { kind, value } of entries) lines.add(`${kind} ${value}\n`);
  const hash = createHash("sha256");
  const sorted = [...lines].sort(byteOrder).map((line): BarEntry => {
    hash.update(line);
    const blank = line.indexOf(" ");
    return { kind: line.slice(0, blank) as BarEntry["kind"], value: line.slice(blank + 1, -1) };
  });
  return { sorted, sha256: hash.digest("hex") };
}

/**
 * Publishes a list under the hash of its content, so that a release that names it means the same whatever becomes of the file.
 * @param name for people
 * @throws UserError where it is empty or too long
 */
export async function publishBarList(
  store: Store,
  use: BarListRef["use"],
  name: string,
  entries: Iterable<BarEntry>,
): Promise<BarListRef> {
  const { sorted, sha256 } = fixed(entries);
  if (sorted.length === 0) throw new UserError("list_empty", `The list ${name} names nothing`);
  if (sorted.length > maxEntries)
    throw new UserError("list_too_long", `The list ${name} has more than ${maxEntries} entries`, {
      hint: "Split it into several files and name them all.",
    });
  await publishLines(store, barListFile(sha256), sorted);
  const counts = { sha256: 0, pdq: 0, domain: 0, url: 0 };
  for (const { kind } of sorted) counts[kind]++;
  return { use, name, sha256, entries: counts };
}

/**
 * What the lists of one use bar together.
 * @throws Error where one is damaged; BlobNotFoundError where one is missing
 */
export async function readBarLists(
  store: Store,
  lists: readonly BarListRef[],
  use: BarListRef["use"],
): Promise<BarList> {
  const found = new Map(barKinds.map((kind) => [kind, new Set<string>()]));
  for (const { sha256 } of lists.filter((list) => list.use === use)) {
    const file = barListFile(sha256);
    const entries = await readLines(store, file, (value) => barEntry.parse(value));
    if (fixed(entries).sha256 !== sha256)
      throw new BlobDamagedError(file, store.url, ": it is not what its name says", null);
    for (const { kind, value } of entries) found.get(kind)?.add(value);
  }
  const [sha256, pdq, domains, urls] = barKinds.map((kind) => found.get(kind) ?? []);
  return { sha256, pdq, domains, urls } as BarList;
}

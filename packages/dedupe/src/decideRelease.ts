import type { Reason, RejectedRow, ReleaseSample, ReleaseSettings } from "@pairloom/config";
import { AnswerFinder, type Association, type MatcherOf } from "./release/answers.js";
import { Barred, type BarList } from "./release/barred.js";
import { Caps } from "./release/caps.js";
import { findDoubles, mergeDoubles } from "./release/doubles.js";
import { captioned, type Entry, entryWeight, rowsOf } from "./release/entry.js";
import { groupByUrl, urlOrder } from "./release/groupByUrl.js";
import { compileHoldOut } from "./release/holdOut.js";
import type { NearOptions } from "./release/nearKept.js";
import { candidateOrder } from "./release/outcome.js";
import { type Picture, pictureOrder, pictureWeight, type SegmentedRow } from "./release/picture.js";
import { PlaceholderFinder, withoutPlaceholders } from "./release/placeholders.js";
import { type KeyOf, Rejections } from "./release/rejections.js";
import { progressOf } from "./release/releaseProgress.js";
import { joinRepeatedPairs } from "./release/repeatedPairs.js";
import { sampleKey, sampleOf } from "./release/sampleOf.js";
import { byteOrder } from "./byteOrder.js";
import { type Sorted, Spill } from "./sorting/spill.js";
import { type AnyIterable, each, numbered } from "./sorting/streams.js";

export interface ReleaseOptions extends NearOptions {
  /** "train": without what the hold-out rules hold; "held_out": that alone. */
  side?: "train" | "held_out";
  /** Abuse imagery, take-downs. */
  blocklist?: BarList;
  /** Evaluation sets: their pictures must not be trained on. */
  contamination?: BarList;
  /** Makes, of the associations' queries, what finds those that a picture's texts contain. */
  textQueries?: MatcherOf;
  /** Holds what memory doesn't; absent, memory holds all. The decision lies in it: dispose of it afterwards. */
  spill?: Spill;
}

export interface ReleaseDecision {
  /** In release order. */
  samples: Sorted<ReleaseSample>;
  /** By candidateId. */
  rejected: Sorted<RejectedRow>;
  counts: ReleaseCounts;
}

/** candidates = kept + the sum of `rejected`. */
export interface ReleaseCounts {
  /** Distinct candidates. */
  candidates: number;
  kept: number;
  rejected: Partial<Record<Reason, number>>;
}

/**
 * Decides what a release holds: a pure function of the set of rows, whatever their order and the segments they stand
 * in (but for `segment` and `member`, which say where a picture lies). Every distinct candidate ends as one sample or
 * one rejected row.
 *
 * 1. Equal candidates are one; the rows of one canonical URL are one picture.
 * 2. Barred pictures and placeholders go.
 * 3. In content order a picture is kept if none kept before it has its bytes or lies within the PDQ radius; doubles
 *    give it their texts, pages and queries.
 * 4. Captions are chosen, repeated pairs joined, hold-out rules applied, repeated captions and full queries capped by
 *    seeded hash.
 * 5. What is left is numbered in content order.
 *
 * Each step sorts what the one before left and goes through it in order. With a `spill`, memory holds about 60 bytes a
 * picture, the near pairs, the lists, a number a query, and some tens of thousands of rows (but all rows of a picture
 * and its doubles at once).
 */
export async function decideRelease(
  rows: AnyIterable<SegmentedRow>,
  associations: AnyIterable<Association>,
  settings: ReleaseSettings,
  options: ReleaseOptions = {},
): Promise<ReleaseDecision> {
  const { dedupe } = settings;
  const { onProgress } = options;
  const spill = options.spill ?? new Spill();
  const rejections = new Rejections(spill);
  const lists = barLists(settings, options);
  const ruleFor = compileHoldOut(settings.holdOut);
  const answering = await AnswerFinder.open(associations, options.textQueries ?? null, spill);

  const byUrl = await spill.sort(
    oneRowPerCandidate(each(rows, progressOf("rows", null, onProgress)), spill),
    { order: urlOrder },
  );
  const candidates = byUrl.count;
  const placeholders = new PlaceholderFinder(spill, dedupe, settings.minCaptionCharacters);
  const wanted = wantedPictures(byUrl, dedupe.url, lists, { rejections, placeholders });
  const pictures = await spill.sort(wanted, { order: pictureOrder, weigh: pictureWeight });
  await byUrl.drop();

  const real = await withoutPlaceholders(pictures, placeholders, rejections);
  const verdicts = await findDoubles(real, dedupe, spill, options);
  const merged = mergeDoubles(real, verdicts, spill, rejections);
  const paired = joinRepeatedPairs(captioned(merged, settings, rejections), dedupe, spill, rejections);
  const onSide = applyHoldOut(paired, ruleFor, options.side ?? "train", rejections);
  const caps = new Caps(spill, settings);
  const entering = spill.sorter<Entry>({ order: null, weigh: entryWeight });
  const captions = progressOf("captions", null, onProgress);
  for await (const [entry, place] of numbered(onSide)) {
    captions();
    await answering.add(place, rowsOf(entry));
    await caps.add(place, entry);
    await entering.add(entry);
  }
  await real.drop();
  const entries = await entering.sorted();
  const answers = await answering.found();
  const reasonAt = await caps.decide(answers);

  const keys = spill.sorter<KeyOf>({ order: (a, b) => byteOrder(a.candidateId, b.candidateId) });
  let kept = 0;
  for await (const [{ picture }, place] of numbered(entries)) {
    const reason = reasonAt(place);
    if (reason !== null) {
      await rejections.addPicture(picture, reason);
      continue;
    }
    const { candidateId } = picture.rows[0];
    await keys.add({ candidateId, key: sampleKey(kept++, settings.samplesPerShard) });
    await rejections.addDoubles(picture);
  }
  const keyOf = await keys.sorted();
  const rejected = await rejections.sorted(keyOf);
  await keyOf.drop();

  const samples: Sorted<ReleaseSample> = {
    count: kept,
    drop: async () => void (await Promise.all([entries.drop(), answers.drop()])),
    async *[Symbol.asyncIterator]() {
      let index = 0;
      for await (const [[entry, place], queries] of answers.of(numbered(entries), ([, at]) => at))
        if (reasonAt(place) === null)
          yield sampleOf(entry, queries, sampleKey(index++, settings.samplesPerShard));
    },
  };
  return { samples, rejected, counts: { candidates, kept, rejected: rejections.counts } };
}

/** Of each candidate the row with the best outcome. */
async function* oneRowPerCandidate(
  rows: AnyIterable<SegmentedRow>,
  spill: Spill,
): AsyncGenerator<SegmentedRow, void> {
  const sorted = await spill.sort(rows, { order: candidateOrder });
  let before: string | null = null;
  for await (const row of sorted) {
    if (row.row.candidateId !== before) yield row;
    before = row.row.candidateId;
  }
  await sorted.drop();
}

interface Lists {
  blocked: Barred;
  contaminated: Barred;
}

function barLists(
  { dedupe: { minQuality, blocklistRadius, decontaminateRadius } }: ReleaseSettings,
  { blocklist = {}, contamination = {} }: ReleaseOptions,
): Lists {
  return {
    blocked: new Barred(blocklist, "blocklisted", { minQuality, radius: blocklistRadius }),
    contaminated: new Barred(contamination, "contaminated", { minQuality, radius: decontaminateRadius }),
  };
}

/** The pictures that no list bars, all of which the placeholder finder sees. */
async function* wantedPictures(
  rows: Sorted<SegmentedRow>,
  byUrl: boolean,
  { blocked, contaminated }: Lists,
  { rejections, placeholders }: { rejections: Rejections; placeholders: PlaceholderFinder },
): AsyncGenerator<Picture, void> {
  const ownReason = (row: SegmentedRow["row"]) => (blocked.barsRow(row) ? "blocklisted" : null);
  for await (const picture of groupByUrl(rows, ownReason, rejections, byUrl)) {
    const bars = [blocked, contaminated].find((barred) => barred.barsPicture(picture.fetched));
    if (bars !== undefined) {
      await rejections.addPicture(picture, bars.reason);
      continue;
    }
    await placeholders.add(picture);
    yield picture;
  }
}

async function* applyHoldOut(
  entries: AnyIterable<Entry>,
  ruleFor: ReturnType<typeof compileHoldOut>,
  side: "train" | "held_out",
  rejections: Rejections,
): AsyncGenerator<Entry, void> {
  for await (const entry of entries) {
    const rule = ruleFor(rowsOf(entry).flatMap(({ texts }) => texts.map(({ text }) => text)));
    if ((rule !== null) === (side === "held_out")) yield entry;
    else if (rule) await rejections.addPicture(entry.picture, "held_out", { errorMessage: rule.name });
    else await rejections.addPicture(entry.picture, "not_held_out");
  }
}

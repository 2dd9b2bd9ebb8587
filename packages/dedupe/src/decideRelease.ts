import type { Reason, RejectedRow, ReleaseSample, ReleaseSettings, SegmentRow } from "@pairloom/config";
import { balanceByQuery } from "@pairloom/querylist";
import { Barred, type BarList } from "./release/barred.js";
import { captioned, type Entry } from "./release/entry.js";
import { groupByUrl } from "./release/groupByUrl.js";
import { compileHoldOut } from "./release/holdOut.js";
import { mergeDoubles } from "./release/mergeDoubles.js";
import { oneRowPerCandidate } from "./release/outcome.js";
import { pictureOrder, type SegmentedRow } from "./release/picture.js";
import { findPlaceholders } from "./release/placeholders.js";
import { type Association, queryFinder, type TextQueries } from "./release/queryFinder.js";
import { Rejections } from "./release/rejections.js";
import { joinRepeatedPairs } from "./release/repeatedPairs.js";
import { sampleKey, sampleOf } from "./release/sampleOf.js";

export interface ReleaseOptions {
  /** "train": without what the hold-out rules hold; "held_out": that alone. */
  side?: "train" | "held_out";
  /** Abuse imagery, take-downs. */
  blocklist?: BarList;
  /** Evaluation sets: their pictures must not be trained on. */
  contamination?: BarList;
  /** Finds the queries that a picture's texts contain. */
  textQueries?: TextQueries;
  /** From so many hashes on near pairs are joined at once instead of looked up; changes nothing but the time. */
  joinFrom?: number;
}

export interface ReleaseDecision {
  /** In release order. */
  samples: ReleaseSample[];
  /** By candidateId. */
  rejected: RejectedRow[];
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
 */
export function decideRelease(
  rows: Iterable<SegmentedRow>,
  associations: Iterable<Association>,
  settings: ReleaseSettings,
  options: ReleaseOptions = {},
): ReleaseDecision {
  const { dedupe } = settings;
  const rejections = new Rejections();
  const { minQuality, blocklistRadius, decontaminateRadius } = dedupe;
  const blocked = new Barred(options.blocklist ?? {}, "blocklisted", { minQuality, radius: blocklistRadius });
  const contaminated = new Barred(options.contamination ?? {}, "contaminated", {
    minQuality,
    radius: decontaminateRadius,
  });

  const candidates = oneRowPerCandidate(rows);
  const ownReason = (row: SegmentRow) => (blocked.barsRow(row) ? "blocklisted" : null);
  let pictures = groupByUrl(candidates, ownReason, rejections, dedupe.url);
  for (const barred of [blocked, contaminated]) {
    pictures = pictures.filter((picture) => {
      const bars = barred.barsPicture(picture.fetched);
      if (bars) rejections.addPicture(picture, barred.reason);
      return !bars;
    });
  }
  const placeholders = findPlaceholders(pictures, dedupe, settings.minCaptionCharacters);
  for (const { rows: speaking, fetched } of placeholders) {
    for (const row of speaking) rejections.add(row, "placeholder", { outcome: fetched });
  }
  pictures = pictures.filter((picture) => !placeholders.has(picture)).sort(pictureOrder);

  const queriesOf = queryFinder(associations, options.textQueries ?? null);
  const merged = mergeDoubles(pictures, dedupe, rejections, options.joinFrom);
  let entries = captioned(merged, settings, rejections);
  entries = joinRepeatedPairs(entries, dedupe, rejections);
  entries = applyHoldOut(entries, settings, options.side ?? "train", rejections);
  entries = capCaptions(entries, settings, rejections);
  const answering = entries.map((entry) => ({ ...entry, queries: queriesOf(entry.rows) }));
  const chosen = capQueries(answering, settings, rejections);

  const keyOf = new Map<string, string>();
  const samples = chosen.map(({ merged, rows, caption, queries }, i) => {
    const key = sampleKey(i, settings.samplesPerShard);
    keyOf.set(merged.picture.representative.candidateId, key);
    rejections.addDoubles(merged.picture);
    return sampleOf(merged, rows, caption, queries, key);
  });
  const rejected = rejections.list(keyOf);
  return { samples, rejected, counts: count(candidates.length, samples.length, rejected) };
}

function applyHoldOut(
  entries: readonly Entry[],
  settings: ReleaseSettings,
  side: "train" | "held_out",
  rejections: Rejections,
): Entry[] {
  const ruleFor = compileHoldOut(settings.holdOut);
  return entries.filter(({ merged, rows }) => {
    const rule = ruleFor(rows.flatMap(({ texts }) => texts.map(({ text }) => text)));
    if ((rule !== null) === (side === "held_out")) return true;
    if (rule) rejections.addPicture(merged.picture, "held_out", { errorMessage: rule.name });
    else rejections.addPicture(merged.picture, "not_held_out");
    return false;
  });
}

/** Of each caption (in any case) at most `maxCaptionRepeats` stay. */
function capCaptions(entries: readonly Entry[], settings: ReleaseSettings, rejections: Rejections): Entry[] {
  const captions = entries.map(({ caption, order }) => ({ queries: [caption.toLowerCase()], order }));
  const kept = balanceByQuery(captions, settings.maxCaptionRepeats);
  return keepWhere(entries, kept, "caption_repeated", rejections);
}

interface AnsweringEntry extends Entry {
  queries: string[];
}

function capQueries(
  entries: readonly AnsweringEntry[],
  settings: ReleaseSettings,
  rejections: Rejections,
): AnsweringEntry[] {
  const kept = balanceByQuery(entries, settings.maxPairsPerQuery);
  return keepWhere(entries, kept, "query_cap", rejections);
}

function keepWhere<E extends Entry>(
  entries: readonly E[],
  kept: readonly boolean[],
  reason: Reason,
  rejections: Rejections,
): E[] {
  return entries.filter(({ merged }, i) => {
    if (!kept[i]) rejections.addPicture(merged.picture, reason);
    return kept[i];
  });
}

function count(candidates: number, kept: number, rejected: readonly RejectedRow[]): ReleaseCounts {
  const counts: ReleaseCounts = { candidates, kept, rejected: {} };
  for (const { reason } of rejected) counts.rejected[reason] = (counts.rejected[reason] ?? 0) + 1;
  return counts;
}

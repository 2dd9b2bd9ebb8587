import { createHash } from "node:crypto";
import type { Reason, RejectedRow, ReleaseSample, ReleaseSettings, SegmentRow } from "@pairloom/config";
import { balanceByQuery } from "@pairloom/querylist";
import { Barred, type BarList } from "./release/barred.js";
import { chooseCaption } from "./release/chooseCaption.js";
import { groupByUrl } from "./release/groupByUrl.js";
import { compileHoldOut } from "./release/holdOut.js";
import { type MergedPicture, mergeDoubles } from "./release/mergeDoubles.js";
import { oneRowPerCandidate } from "./release/outcome.js";
import { pictureOrder, type SegmentedRow } from "./release/picture.js";
import { findPlaceholders } from "./release/placeholders.js";
import { type Association, queryFinder, type TextQueries } from "./release/queryFinder.js";
import { Rejections } from "./release/rejections.js";
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

/** A kept picture on its way: its rows and doubles' rows, its caption and queries. */
interface Entry {
  merged: MergedPicture;
  rows: SegmentRow[];
  caption: string;
  queries: string[];
  /** Seeded hash: who comes first where a cap chooses. */
  order: string;
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
 * 4. Captions are chosen, hold-out rules applied, repeated captions and full queries capped by seeded hash.
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
  const blocked = new Barred(options.blocklist ?? {}, "blocklisted", dedupe);
  const contaminated = new Barred(options.contamination ?? {}, "contaminated", dedupe);

  const candidates = oneRowPerCandidate(rows);
  let pictures = groupByUrl(candidates, (row) => (blocked.barsRow(row) ? "blocklisted" : null), rejections);
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
  const merged = mergeDoubles(pictures, dedupe, rejections);
  let entries = describe(merged, settings, queriesOf, rejections);
  entries = applyHoldOut(entries, settings, options.side ?? "train", rejections);
  entries = capCaptions(entries, settings, rejections);
  entries = capQueries(entries, settings, rejections);

  const keyOf = new Map<string, string>();
  const samples = entries.map(({ merged, rows, caption, queries }, i) => {
    const key = sampleKey(i, settings.samplesPerShard);
    keyOf.set(merged.picture.representative.candidateId, key);
    rejections.addDoubles(merged.picture);
    return sampleOf(merged, rows, caption, queries, key);
  });
  const rejected = rejections.list(keyOf);
  return { samples, rejected, counts: count(candidates.length, samples.length, rejected) };
}

/** Joins the rows of each kept picture and its doubles, and gives it a caption. */
function describe(
  merged: readonly MergedPicture[],
  settings: ReleaseSettings,
  queriesOf: (rows: readonly SegmentRow[]) => string[],
  rejections: Rejections,
): Entry[] {
  const entries: Entry[] = [];
  for (const one of merged) {
    const rows = [one.picture, ...one.doubles].flatMap((picture) => picture.rows);
    const caption = chooseCaption(rows, settings.minCaptionCharacters);
    if (caption === null) {
      rejections.addPicture(one.picture, "caption_unusable");
      continue;
    }
    const { sha256 } = one.picture.fetched;
    const order = createHash("sha256")
      .update(`${settings.seed} ${sha256} ${one.picture.canonicalUrl}`)
      .digest("hex");
    entries.push({ merged: one, rows, caption, queries: queriesOf(rows), order });
  }
  return entries;
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

function capQueries(entries: readonly Entry[], settings: ReleaseSettings, rejections: Rejections): Entry[] {
  const kept = balanceByQuery(entries, settings.maxPairsPerQuery);
  return keepWhere(entries, kept, "query_cap", rejections);
}

function keepWhere(
  entries: readonly Entry[],
  kept: readonly boolean[],
  reason: Reason,
  rejections: Rejections,
): Entry[] {
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

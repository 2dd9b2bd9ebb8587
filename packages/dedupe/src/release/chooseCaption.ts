import { type DescribedText, type TextKind, textKinds } from "@pairloom/config";
import { byteOrder } from "../byteOrder.js";
import type { Spoken } from "./picture.js";
import { tidyText, usableText } from "./usableText.js";

const rankOf = new Map<TextKind, number>(textKinds.map((kind, rank) => [kind, rank]));

/**
 * The caption of a picture among all texts of all rows that speak of it, whatever their order: the most trusted kind
 * of text, then the one that most rows say, then the longest, then the first in byte order. Null where none is usable.
 */
export function chooseCaption(rows: readonly Spoken[], minCharacters: number): string | null {
  const found = new Map<string, { rank: number; rows: number }>();
  for (const row of rows) {
    const inRow = new Set<string>();
    for (const { kind, text } of row.texts) {
      const caption = tidyText(text);
      const rank = rankOf.get(kind) ?? textKinds.length;
      const entry = found.get(caption);
      if (entry) {
        entry.rank = Math.min(entry.rank, rank);
        if (!inRow.has(caption)) entry.rows++;
      } else {
        found.set(caption, { rank, rows: 1 });
      }
      inRow.add(caption);
    }
  }
  let best: string | null = null;
  let bestEntry = { rank: 0, rows: 0 };
  for (const [caption, entry] of found) {
    if (!usableText(caption, minCharacters)) continue;
    const order =
      best === null
        ? -1
        : entry.rank - bestEntry.rank ||
          bestEntry.rows - entry.rows ||
          best.length - caption.length ||
          byteOrder(caption, best);
    if (order < 0) [best, bestEntry] = [caption, entry];
  }
  return best;
}

/** Texts of all rows, each (kind, text) once, by kind and then in byte order. */
export function mergeTexts(rows: readonly Spoken[]): DescribedText[] {
  const once = new Map<string, DescribedText>();
  for (const row of rows)
    for (const { kind, text } of row.texts) once.set(`${kind}\0${text}`, { kind, text });
  return [...once.values()].sort(
    (a, b) => (rankOf.get(a.kind) ?? 0) - (rankOf.get(b.kind) ?? 0) || byteOrder(a.text, b.text),
  );
}

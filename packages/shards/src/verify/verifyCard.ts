import type { Store } from "@pairloom/storage";
import { decodeTable, TableDamagedError } from "../parquet/table.js";
import { countsOfCard, type ReleaseCounts } from "../release/dataCard.js";
import { rejectedColumns } from "../release/planTables.js";
import { sha256Of } from "../sha256Of.js";
import type { Report } from "./problem.js";
import type { Sidecar } from "./sidecars.js";

type Card = Sidecar<"datacard.json">;

/** Reads `rejected/`, compares it with the card's list and adds its rows to `counts`; returns how many there are. */
export async function verifyRejected(
  store: Store,
  there: ReadonlySet<string>,
  card: Card | null,
  counts: ReleaseCounts,
  report: Report,
): Promise<number> {
  let rows = 0;
  const known = new Map((card?.rejectedFiles ?? []).map((entry) => [entry.file, entry]));
  for (const file of known.keys()) if (!there.has(file)) report("missing", file, "it isn't there");
  for (const file of [...there].filter((name) => /^rejected\/.*\.parquet$/.test(name)).sort()) {
    const entry = known.get(file);
    const bytes = await store.get(file);
    if (card !== null && entry === undefined) report("unexpected", file, "datacard.json doesn't list it");
    if (entry !== undefined && entry.sha256 !== sha256Of(bytes))
      report("hash", file, "its SHA-256 is not the one in datacard.json");
    try {
      const table = (await decodeTable(rejectedColumns, bytes)).rows;
      rows += table.length;
      for (const { reason } of table) counts.reasons.add(reason);
      if (entry !== undefined && entry.rows !== table.length)
        report("count", file, `it has ${table.length} rows of ${entry.rows}`);
    } catch (error) {
      if (!(error instanceof TableDamagedError)) throw error;
      report("parquet", file, error.message);
    }
  }
  return rows;
}

/** Whether the data card adds up: kept + rejected = candidates, and its counts. */
export function verifyCard(
  card: Card,
  { samples, rejected, counts }: { samples: number; rejected: number; counts: ReleaseCounts },
  report: Report,
): void {
  const file = "datacard.json";
  if (card.kept !== samples) report("count", file, `it says ${card.kept} kept, there are ${samples}`);
  if (card.rejected !== rejected)
    report("count", file, `it says ${card.rejected} rejected, there are ${rejected}`);
  if (samples + rejected !== card.candidates)
    report("count", file, `${samples} kept + ${rejected} rejected are not the ${card.candidates} candidates`);
  const counted = countsOfCard(counts);
  for (const kind of ["reason", "source", "licence", "language", "query"] as const)
    if (JSON.stringify(card.counts[kind]) !== JSON.stringify(counted[kind]))
      report("count", file, `its counts by ${kind} are not those of the rows`);
}

const pageNames = ["datacard.md", "README.md"];

/**
 * Whether the pages are those that the card recorded. What another version of this program would write is no measure, so
 * pages of a card that recorded none are not looked at.
 */
export async function verifyPages(
  store: Store,
  there: ReadonlySet<string>,
  card: Card | null,
  report: Report,
): Promise<void> {
  const recorded = card === null ? null : (card.pages ?? {});
  for (const page of recorded === null ? pageNames : Object.keys(recorded)) {
    if (!there.has(page)) report("missing", page, "it isn't there");
    else if (recorded !== null && recorded[page] !== sha256Of(await store.get(page)))
      report("hash", page, "its SHA-256 is not the one in datacard.json");
  }
}

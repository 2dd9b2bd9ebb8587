import { decodeTable, TableDamagedError } from "../parquet/table.js";
import { cardPages, sealedCard } from "../release/cardPages.js";
import { dataCard, type DataCard } from "../release/dataCard.js";
import { rejectedColumns } from "../release/planTables.js";
import { countSamples, emptyCounts } from "../release/releaseCounts.js";
import { cardFile, sizesFile, widsIndex } from "../release/releaseSidecars.js";
import { sha256Of } from "../sha256Of.js";
import type { Sidecars } from "../verify/sidecars.js";
import type { RepairContext } from "./repairContext.js";
import type { RebuiltShard } from "./rebuildShard.js";

/**
 * Rebuilds what speaks of a release as a whole, if every shard and every rejected row is there.
 */
export async function rebuildCard(shards: readonly RebuiltShard[], context: RepairContext): Promise<void> {
  const { list, put, identity } = context;
  const counts = emptyCounts();
  const rejectedFiles = await readRejected(context, (reason) => counts.reasons.add(reason));
  if (list.found > 0) return;
  const tables = shards.map(({ info, parquetSha256 }) => ({ ...info, parquetSha256: parquetSha256 ?? "" }));
  for (const { rows } of shards) countSamples(counts, rows);
  const samples = shards.reduce((sum, { keys }) => sum + keys.length, 0);
  const rejected = rejectedFiles.reduce((sum, { rows }) => sum + rows, 0);
  const plan = {
    version: 1 as const,
    id: identity.release,
    samplesPerShard: identity.samplesPerShard ?? Math.max(1, ...tables.map((table) => table.samples)),
    shards: tables.length,
    samples,
    rejected,
    rejectedFiles: rejectedFiles.length,
    candidates: samples + rejected,
    settings: identity.settings,
    lists: identity.lists,
  };
  await put("index.json", widsIndex(identity.name, tables));
  await putCard(dataCard({ name: identity.name, plan, shards: tables, rejectedFiles, counts }), context);
  await put("sizes.json", sizesFile(tables));
}

/** What a card says, without what only the version that wrote it decides. */
function contentOf(card: DataCard | NonNullable<Sidecars["datacard.json"]>): string {
  const { name, release, candidates, kept, rejected, samplesPerShard, counts, queries, pictures } = card;
  const shards = card.shards.map(({ tar, samples, bytes, sha256, parquetSha256 }) => [tar, samples, bytes, sha256, parquetSha256]); // prettier-ignore
  const files = card.rejectedFiles.map(({ file, rows, sha256 }) => [file, rows, sha256]);
  const { reason, source, licence, language, query } = counts;
  return JSON.stringify([
    [name, release, candidates, kept, rejected, samplesPerShard, queries, pictures],
    [reason, source, licence, language, query].map((tally) => Object.entries(tally)),
    shards,
    files,
    card.settings,
    card.lists,
  ]);
}

/**
 * Puts the card and its pages in place. A card that says what the shards say stays, and so do pages that are as it
 * recorded them, or of which it recorded nothing: another version may have worded them.
 */
async function putCard(made: DataCard, { store, files, sidecars, put }: RepairContext): Promise<void> {
  const there = sidecars["datacard.json"];
  const stays = there !== null && sidecars.cardWhole !== false && contentOf(there) === contentOf(made);
  const pages = cardPages(made);
  if (stays)
    for (const file of [...pages.keys()].filter((name) => files.has(name))) {
      const page = await store.get(file);
      if (there.pages === undefined || there.pages[file] === sha256Of(page)) pages.set(file, page);
    }
  for (const [file, bytes] of pages) await put(file, bytes);
  const card = sealedCard(made, pages);
  const samePages = stays && JSON.stringify(there.pages ?? card.pages) === JSON.stringify(card.pages);
  if (!samePages) await put("datacard.json", cardFile(card));
}

/** The tables of rejected rows; what is gone of them is reported, since no tar holds it. */
async function readRejected(
  { store, files, sidecars, list, trustTars }: RepairContext,
  onReason: (reason: string) => void,
): Promise<DataCard["rejectedFiles"]> {
  const found: DataCard["rejectedFiles"] = [];
  for (const file of [...files.keys()].filter((name) => /^rejected\/.*\.parquet$/.test(name)).sort()) {
    const bytes = await store.get(file);
    try {
      const { rows } = await decodeTable(rejectedColumns, bytes);
      for (const { reason } of rows) onReason(reason);
      found.push({ file, rows: rows.length, sha256: sha256Of(bytes) });
    } catch (error) {
      if (!(error instanceof TableDamagedError)) throw error;
      list.report("parquet", file, `${error.message}; no tar holds its rows`);
    }
  }
  const listed = trustTars ? [] : (sidecars["datacard.json"]?.rejectedFiles ?? []);
  for (const { file, rows } of listed)
    if (!files.has(file)) list.report("missing", file, `it isn't there; no tar holds its ${rows} rows`);
  return found;
}

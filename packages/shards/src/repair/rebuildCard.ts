import { createHash } from "node:crypto";
import { decodeTable, TableDamagedError } from "../parquet/table.js";
import { dataCard, type DataCard } from "../release/dataCard.js";
import { rejectedColumns } from "../release/planTables.js";
import { countSamples, emptyCounts } from "../release/releaseCounts.js";
import { releaseSidecars } from "../release/releaseSidecars.js";
import type { RepairContext } from "./repairContext.js";
import type { RebuiltShard } from "./rebuildShard.js";

/**
 * Rebuilds what speaks of a release as a whole, if every shard and every rejected row is there.
 */
export async function rebuildCard(shards: readonly RebuiltShard[], context: RepairContext): Promise<void> {
  const { sidecars, list, put, identity } = context;
  const old = sidecars["datacard.json"];
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
    samplesPerShard: old?.samplesPerShard ?? Math.max(1, ...tables.map((table) => table.samples)),
    shards: tables.length,
    samples,
    rejected,
    rejectedFiles: rejectedFiles.length,
    candidates: samples + rejected,
    settings: identity.settings,
    lists: identity.lists,
  };
  const card = dataCard({ name: identity.name, plan, shards: tables, rejectedFiles, counts });
  for (const [file, bytes] of releaseSidecars(card, tables)) await put(file, bytes);
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
      found.push({ file, rows: rows.length, sha256: createHash("sha256").update(bytes).digest("hex") });
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

import type { BarListRef } from "@pairloom/config";
import type { PlanSummary } from "./releasePlan.js";
import type { ShardInfo } from "./shardInfo.js";
import type { Tally } from "./tally.js";

/** Names listed of each kind; more are counted together. */
const listed = 10_000;
const shown = 30;

export interface ReleaseCounts {
  /** Samples by query; a sample counts for each of its queries, and for none where it has none. */
  queries: Tally;
  sources: Tally;
  /** Samples, with "none stated" where the sample states none. */
  licences: Tally;
  languages: Tally;
  /** Rejected rows. */
  reasons: Tally;
}

/** `datacard.json`: what a release holds, where it is from and how it is made again. It names no time and no machine. */
export interface DataCard {
  name: string;
  release: string;
  candidates: number;
  kept: number;
  rejected: number;
  samplesPerShard: number;
  counts: Record<"reason" | "source" | "licence" | "language" | "query", Record<string, number>>;
  /** Distinct queries, of which `counts.query` lists at most 10,000. */
  queries: number;
  /** Extensions of the pictures. */
  pictures: string[];
  shards: { tar: string; samples: number; bytes: number; sha256: string; parquetSha256: string }[];
  rejectedFiles: { file: string; rows: number; sha256: string }[];
  /**
   * The blocklists and evaluation sets that were applied, by the sha256 of their entries; null where a repair made the
   * card and nothing tells them any more.
   */
  lists: BarListRef[] | null;
  settings: unknown;
  madeBy: string;
  makeAgain: string;
  /**
   * Hex sha256 of datacard.md and README.md, which are made from all that stands above and say nothing of these. Cards of
   * before they were recorded have none.
   */
  pages?: Record<string, string>;
  /** Hex sha256 of this card's JSON without white space and without this field; cards of before have none. */
  cardSha256?: string;
}

export interface DataCardInput {
  name: string;
  plan: Omit<PlanSummary, "lists"> & Pick<DataCard, "lists">;
  shards: (ShardInfo & { parquetSha256: string })[];
  rejectedFiles: DataCard["rejectedFiles"];
  counts: ReleaseCounts;
}

/** What a card says of the counts; of very many names the most frequent. */
export function countsOfCard(counts: ReleaseCounts): DataCard["counts"] {
  const record = (tally: Tally) => Object.fromEntries(tally.ordered(listed));
  return {
    reason: record(counts.reasons),
    source: record(counts.sources),
    licence: record(counts.licences),
    language: record(counts.languages),
    query: record(counts.queries),
  };
}

/** A card without hashes of its pages and of itself. */
export function dataCard({ name, plan, shards, rejectedFiles, counts }: DataCardInput): DataCard {
  return {
    name,
    release: plan.id,
    candidates: plan.candidates,
    kept: plan.samples,
    rejected: plan.rejected,
    samplesPerShard: plan.samplesPerShard,
    counts: countsOfCard(counts),
    queries: counts.queries.size,
    pictures: [...new Set(shards.flatMap((shard) => shard.pictures))].sort(),
    shards: shards.map(({ tar, samples, bytes, sha256, parquetSha256 }) => ({
      tar,
      samples,
      bytes,
      sha256,
      parquetSha256,
    })),
    rejectedFiles,
    lists: plan.lists,
    settings: plan.settings,
    madeBy: "pairloom",
    makeAgain: "pairloom release, with these settings and lists over the same segments, gives the same bytes",
  };
}

/** Longer names are cut. */
export const maxCellCharacters = 120;

/** A name as Markdown can hold it. */
const cell = (text: string) =>
  text
    .replace(/[\r\n\t]+/g, " ")
    .replace(/[\\|<>`*_[\]]/g, "\\$&")
    .slice(0, maxCellCharacters);

function table(title: string, unit: string, counts: Record<string, number>, total: number): string {
  const rows = Object.entries(counts);
  if (rows.length === 0) return "";
  const lines = rows.slice(0, shown).map(([name, count]) => `| ${cell(name)} | ${count} |`);
  if (total > shown) lines.push(`| … and ${total - shown} more, see datacard.json | |`);
  return `\n## ${title}\n\n| | ${unit} |\n|---|---:|\n${lines.join("\n")}\n`;
}

/** Which lists kept what out; the rows that they dropped are counted by reason. */
function listTable({ lists, counts }: DataCard): string {
  if (lists === null)
    return (
      "\n## Lists\n\nIt is not known which blocklists and evaluation sets were applied, if any: this page was made again " +
      "from the shards, which don't tell.\n"
    );
  if (lists.length === 0) return "\n## Lists\n\nNo blocklist and no evaluation set was applied.\n";
  const lines = lists.map(({ use, name, sha256, entries }) => {
    const { sha256: bytes, pdq, domain, url } = entries;
    return `| ${use} | ${cell(name)} | ${bytes} | ${pdq} | ${domain} | ${url} | \`${sha256}\` |\n`;
  });
  return (
    `\n## Lists\n\n${counts.reason["blocklisted"] ?? 0} candidates were blocklisted and ` +
    `${counts.reason["contaminated"] ?? 0} contaminated by these lists.\n\n` +
    `| use | name | sha256 | PDQ | hosts | URLs | sha256 of the list |\n|---|---|---:|---:|---:|---:|---|\n${lines.join("")}`
  );
}

/** The data card for a reader. */
export function dataCardText(card: DataCard): string {
  const bytes = card.shards.reduce((sum, shard) => sum + shard.bytes, 0);
  const { reason, source, licence, language, query } = card.counts;
  const size = (counts: Record<string, number>) => Object.keys(counts).length;
  return [
    `# ${cell(card.name)}\n`,
    `\n${card.kept} image–text pairs in ${card.shards.length} shards of at most ${card.samplesPerShard} (${bytes} bytes), chosen ` +
      `from ${card.candidates} candidates; ${card.rejected} were not taken, each for the reason in \`rejected/\`.\n`,
    `\nEach sample has a picture, a caption (\`.txt\`) and a record (\`.json\`) with every text, page and query that ` +
      `spoke of the picture. \`NNNNN.parquet\` holds the same records as a table.\n`,
    table("By reason, of those not taken", "candidates", reason, size(reason)),
    table("By source", "samples", source, size(source)),
    table("By licence, as stated by the page", "samples", licence, size(licence)),
    table("By language, as stated by the page", "samples", language, size(language)),
    table("By query", "samples", query, card.queries),
    listTable(card),
    `\n## Make it again\n\nRelease \`${card.release}\`. ${card.makeAgain}; the SHA-256 of every file is in ` +
      `\`datacard.json\`, and \`pairloom shards verify\` checks them.\n`,
    `\n## Settings\n\n\`\`\`json\n${JSON.stringify(card.settings, null, 2) ?? "null"}\n\`\`\`\n`,
  ].join("");
}

import type { ProjectSettings } from "@pairloom/config";
import { crawlFile } from "@pairloom/service-crawler";
import { queryLine, readExpansion } from "@pairloom/service-expander";
import { segmentFile, verdictsFile } from "@pairloom/shards";
import { crawlJobId } from "@pairloom/sources";
import { readLines, type Store } from "@pairloom/storage";
import { Coverage, queriesIn } from "./coverage.js";
import { damageOf, idIn, namesOf } from "./mending.js";

/**
 * The first result that a project's files ask for and that isn't there; null where the crawl is whole. It looks at names (and
 * at query lists), so it costs little and doesn't see all: not a segment whose verdicts are gone as well.
 */
export async function findUnfinished(store: Store, settings: ProjectSettings): Promise<string | null> {
  try {
    return (
      (await unaskedQueries(store, settings)) ?? (await unreadPages(store)) ?? (await halfSegment(store))
    );
  } catch (error) {
    const why = damageOf(error);
    if (why === null) throw error;
    return `what a file held that can't be read (${why})`;
  }
}

async function unaskedQueries(store: Store, { expandChunk }: ProjectSettings): Promise<string | null> {
  const asked = new Coverage();
  for await (const name of namesOf(store, "expansions/")) {
    const id = idIn("expansions/", name) ?? "";
    const [, list, from] = /^x-(.+)-(\d+)$/.exec(id) ?? [];
    if (list === undefined) continue;
    asked.add(list, Number(from), queriesIn(await readExpansion(store, id), expandChunk));
  }
  for await (const name of namesOf(store, "queries/")) {
    const list = idIn("queries/", name);
    if (list === null) continue;
    const { length } = await readLines(store, name, (value) => queryLine.parse(value));
    const [first] = asked.missing(list, length, expandChunk);
    if (first !== undefined) return `what was found for queries ${first.from} to ${first.to - 1} of ${name}`;
  }
  return null;
}

async function unreadPages(store: Store): Promise<string | null> {
  const read = new Set<string>();
  for await (const name of namesOf(store, "crawls/")) read.add(name);
  for await (const name of namesOf(store, "frontier/")) {
    const report = crawlFile(crawlJobId(name));
    if (idIn("frontier/", name) !== null && !read.has(report)) return report;
  }
  return null;
}

async function halfSegment(store: Store): Promise<string | null> {
  const judged = new Set<string>();
  for await (const name of namesOf(store, "verdicts/")) judged.add(name);
  for await (const name of namesOf(store, "segments/")) {
    const id = /^segments\/([A-Za-z0-9_-]+)\.parquet$/.exec(name)?.[1];
    if (id === undefined) continue;
    if (!judged.delete(verdictsFile(id))) return verdictsFile(id);
  }
  const [left] = judged; // verdicts on a segment that is gone
  return left === undefined ? null : segmentFile(left.slice("verdicts/".length, -".parquet".length));
}

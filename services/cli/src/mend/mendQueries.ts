import { createHash } from "node:crypto";
import { queryLine } from "@pairloom/service-expander";
import { readLines } from "@pairloom/storage";
import { expandJobOf } from "../project/seedProject.js";
import type { Coverage } from "./coverage.js";
import { damageOf, idIn, type Mending, namesOf, putAside } from "./mending.js";

/** Query lists can't be rebuilt: a damaged one goes out of the way, so that seeding it again puts it back. @returns the others */
export async function mendQueryLists(mending: Mending): Promise<Set<string>> {
  const lists = new Set<string>();
  for await (const name of namesOf(mending.project.store, "queries/")) {
    if ((await readList(mending, name)) !== null) lists.add(name);
  }
  return lists;
}

/** Puts back every expand job whose report is missing, and says which lists and sites are gone. */
export async function putBackExpansions(
  mending: Mending,
  known: {
    /** Queries of lists that have their report, and candidates of jobs that have their rows. */
    expanded: Coverage;
    fetched: Coverage;
    /** Names of sources that pages are known of. */
    sources: ReadonlySet<string>;
  },
): Promise<void> {
  const {
    mended,
    project: { road, store, settings },
  } = mending;
  const there = new Set<string>();
  for await (const name of namesOf(store, "queries/")) {
    const list = idIn("queries/", name);
    const queries = await readList(mending, name);
    if (list === null || queries === null) continue;
    there.add(list);
    const missing = known.expanded.missing(list, queries.length, settings.expandChunk);
    await road.add(
      "expander",
      missing.map((range) => expandJobOf(list, range)),
    );
    mended.jobs.expand += missing.length;
  }
  const named = new Set(known.expanded.lists());
  for (const job of known.fetched.lists()) named.add(/^x-(.+)-\d+$/.exec(job)?.[1] ?? "");
  for (const list of named)
    if (list !== "" && !there.has(list))
      mended.lost.push(
        `queries/${list}.jsonl.gz is gone or damaged: seed the same list again, and those of its queries that were not asked yet are asked`,
      );
  // A site's first pages come from its web server: only seeding finds them.
  for (const source of settings.sources)
    if (source.kind === "site" && !known.sources.has(source.name))
      mended.lost.push(
        `No page of the site ${source.name} is known: seed it again with \`pairloom seed --site ${source.url}\``,
      );
}

async function readList(mending: Mending, name: string): Promise<string[] | null> {
  let why: string | null;
  try {
    const lines = await readLines(mending.project.store, name, (value) => queryLine.parse(value));
    const queries = lines.map(({ query }) => query);
    const hash = createHash("sha256").update(JSON.stringify(queries)).digest("hex");
    if (name === `queries/${hash.slice(0, 16)}.jsonl.gz`) return queries;
    why = `${name} is not what its name says`;
  } catch (error) {
    why = damageOf(error);
    if (why === null) throw error;
  }
  await putAside(mending, name, why);
  mending.mended.lost.push(
    `${name} is gone or damaged: seed the same list again, and those of its queries that were not asked yet are asked`,
  );
  return null;
}

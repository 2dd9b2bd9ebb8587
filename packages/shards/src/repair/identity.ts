import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { BarListRef } from "@pairloom/config";
import type { Store } from "@pairloom/storage";
import { TableDamagedError } from "../parquet/table.js";
import { readShardInfo } from "../release/shardInfo.js";
import type { Sidecars } from "../verify/sidecars.js";

/** What no tar tells of a release. */
export interface Identity {
  name: string;
  /** `PlanSummary.id`, "unknown" where nothing tells it any more. */
  release: string;
  /** Null where nothing tells them any more. */
  settings: unknown;
  /** The lists that were applied; empty where no data card tells them any more. */
  lists: BarListRef[];
}

/** Finds it in the data card, else in the pages that were made from it, in a shard's table, in the wids index. */
export async function findIdentity(
  store: Store,
  files: ReadonlyMap<string, number>,
  sidecars: Sidecars,
): Promise<Identity> {
  const card = sidecars["datacard.json"];
  if (card !== null)
    return { name: card.name, release: card.release, settings: card.settings, lists: card.lists };
  let page: Partial<Identity> = {};
  for (const file of ["README.md", "datacard.md"])
    if (files.has(file)) page = { ...identityOfPage((await store.get(file)).toString("utf8")), ...page };
  return {
    name: page.name ?? sidecars["index.json"]?.name ?? nameOfFolder(store),
    release: (await releaseOfTables(store, files)) ?? page.release ?? "unknown",
    settings: page.settings ?? null,
    lists: [],
  };
}

function identityOfPage(text: string): Partial<Identity> {
  const found: Partial<Identity> = {};
  const name = /^# (.*)$/m.exec(text)?.[1];
  if (name !== undefined) found.name = name.replace(/\\(.)/g, "$1");
  const release = /\nRelease `([^`\n]+)`/.exec(text)?.[1];
  if (release !== undefined) found.release = release;
  const block = /\n## Settings\n\n```json\n([^]*?)\n```/.exec(text)?.[1];
  try {
    if (block !== undefined) found.settings = JSON.parse(block) as unknown;
  } catch {
    // a page that was edited: its settings are lost
  }
  return found;
}

async function releaseOfTables(store: Store, files: ReadonlyMap<string, number>): Promise<string | null> {
  for (const file of [...files.keys()].filter((name) => /^\d{5,}\.parquet$/.test(name)).sort()) {
    try {
      return readShardInfo(await store.get(file)).release;
    } catch (error) {
      if (!(error instanceof TableDamagedError)) throw error;
    }
  }
  return null;
}

const nameOfFolder = (store: Store): string =>
  store.url.startsWith("file:") ? basename(fileURLToPath(store.url)) : basename(store.url);

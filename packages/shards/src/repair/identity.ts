import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { BarListRef } from "@pairloom/config";
import type { Store } from "@pairloom/storage";
import { footerMetadata } from "../parquet/parquetFooter.js";
import { parseShardInfo } from "../release/shardInfo.js";
import type { Sidecars } from "../verify/sidecars.js";
import { identityOfPage } from "./identityOfPage.js";

/** What no tar tells of a release. */
export interface Identity {
  name: string;
  /** `PlanSummary.id`, "unknown" where nothing tells it any more. */
  release: string;
  /** Null where nothing tells it any more. */
  samplesPerShard: number | null;
  /** Null where nothing tells them any more. */
  settings: unknown;
  /** The lists that were applied; null where nothing tells them any more. */
  lists: BarListRef[] | null;
}

/**
 * Finds it in the data card, else in the pages that were made from it, in a shard's table, in the wids index. A card that
 * was changed after it was written is asked last.
 */
export async function findIdentity(
  store: Store,
  files: ReadonlyMap<string, number>,
  sidecars: Sidecars,
): Promise<Identity> {
  const { "datacard.json": card, "index.json": index, cardWhole } = sidecars;
  if (card !== null && cardWhole !== false) return identityOfCard(card);
  let page: Partial<Identity> = {};
  for (const file of ["README.md", "datacard.md"])
    if (files.has(file)) page = { ...identityOfPage((await store.get(file)).toString("utf8")), ...page };
  const changed: Partial<Identity> = card === null ? {} : identityOfCard(card);
  return {
    name: page.name ?? index?.name ?? changed.name ?? nameOfFolder(store),
    release: (await releaseOfTables(store, files)) ?? page.release ?? changed.release ?? "unknown",
    samplesPerShard: page.samplesPerShard ?? changed.samplesPerShard ?? null,
    settings: page.settings ?? changed.settings ?? null,
    lists: page.lists ?? changed.lists ?? null,
  };
}

const identityOfCard = (card: NonNullable<Sidecars["datacard.json"]>): Identity => {
  const { name, release, samplesPerShard, settings, lists } = card;
  return { name, release, samplesPerShard, settings, lists };
};

async function releaseOfTables(store: Store, files: ReadonlyMap<string, number>): Promise<string | null> {
  for (const file of [...files.keys()].filter((name) => /^\d{5,}\.parquet$/.test(name)).sort()) {
    const info = parseShardInfo((await footerMetadata(store, file, files.get(file) as number)) ?? {});
    if (info !== null) return info.release;
  }
  return null;
}

const nameOfFolder = (store: Store): string =>
  store.url.startsWith("file:") ? basename(fileURLToPath(store.url)) : basename(store.url);

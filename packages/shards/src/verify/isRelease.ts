import type { Store } from "@pairloom/storage";
import { footerMetadata } from "../parquet/parquetFooter.js";
import { shardKey } from "../release/shardInfo.js";

/** Names that only pairloom gives. */
const ours = /^(?:datacard\.(?:json|md)$|rejected\/)/;

/**
 * Whether the folder is (or was) a release of pairloom: its data card, a page of it or its rejected rows are there, or its
 * first parquet with a readable footer says so.
 * @param files their bytes by name
 */
export async function isRelease(store: Store, files: ReadonlyMap<string, number>): Promise<boolean> {
  const names = [...files.keys()].sort();
  if (names.some((name) => ours.test(name))) return true;
  for (const name of names.filter((file) => /^\d{5,}\.parquet$/.test(file))) {
    const metadata = await footerMetadata(store, name, files.get(name) as number);
    if (metadata !== null) return shardKey in metadata;
  }
  return false;
}

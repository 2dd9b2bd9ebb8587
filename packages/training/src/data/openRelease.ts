import { existsSync } from "node:fs";
import { UserError } from "@pairloom/config/errors";
import { findShards, type ShardFile } from "@pairloom/shards";
import { isStoreUrl, openStore, type Store } from "@pairloom/storage";
import { formerFingerprint, releaseFingerprint } from "./releaseFingerprint.js";

/** A release that is there and has shards. */
export interface Release {
  store: Store;
  shards: ShardFile[];
  /** Samples by its `sizes.json`; null where that doesn't say. */
  samples: number | null;
  /** Hex sha256 that stands for the data (`releaseFingerprint`). */
  fingerprint: string;
}

/** @throws UserError "release_missing", "release_empty", "release_damaged" (a listed shard is missing) or "no_shards" */
export async function openRelease(data: string): Promise<Release> {
  if (!isStoreUrl(data) && !existsSync(data)) {
    throw new UserError("release_missing", `There is no release at ${data}`, {
      hint: "`pairloom release --dir D` writes one; give the folder that holds 00000.tar.",
    });
  }
  const store = await openStore(data, { readOnly: true });
  const shards = await findShards(store);
  const samples = shards.reduce<number | null>(
    (sum, shard) => (sum === null || shard.samples === null ? null : sum + shard.samples),
    0,
  );
  if (samples === 0) {
    throw new UserError("release_empty", `The release at ${data} has no samples`, {
      hint: "Gather more, or look at the data card for why candidates were refused.",
    });
  }
  return { store, shards, samples, fingerprint: await releaseFingerprint(store, shards) };
}

/** What a run's record says of its data: `form` 2 is `releaseFingerprint`, 1 what older versions recorded. */
export interface DataIdentity {
  fingerprint: string;
  fingerprintForm: 1 | 2;
}

/** How a release's data are told, in the form of an older record where there is one. */
export async function identityOf(release: Release, before: DataIdentity | null): Promise<DataIdentity> {
  const { store, shards, fingerprint } = release;
  return before?.fingerprintForm === 1
    ? { fingerprint: await formerFingerprint(store, shards), fingerprintForm: 1 }
    : { fingerprint, fingerprintForm: 2 };
}

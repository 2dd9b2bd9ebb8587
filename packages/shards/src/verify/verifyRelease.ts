import { openStore, type Store } from "@pairloom/storage";
import { countSamples, emptyCounts } from "../release/releaseCounts.js";
import { checkPlainShard, checkReleaseShard } from "./checkShard.js";
import { isRelease } from "./isRelease.js";
import { noShards, packedTar } from "../reader/noShards.js";
import type { NoteKind } from "../reader/quarantine.js";
import { ProblemList, type ReleaseProblem, type Report } from "./problem.js";
import { checkAnySignature, checkSignature, type PictureCheck } from "./scanShard.js";
import { reportRepeats, SeenKeys } from "./seenKeys.js";
import { listedTars, readSidecars } from "./sidecars.js";
import { verifyCard, verifyPages, verifyRejected } from "./verifyCard.js";

export interface VerifyOptions {
  /** Decodes a picture; without it only the first bytes are looked at. */
  checkPicture?: PictureCheck;
  onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyProgress {
  shards: number;
  ofShards: number;
  samples: number;
  bytes: number;
  ofBytes: number;
}

export interface Verification {
  /** "release": with pairloom's sidecars, all of which must be there; "plain": shards of another program. */
  layout: "release" | "plain";
  /** The first 10,000. */
  problems: ReleaseProblem[];
  /** How many there are. */
  found: number;
  shards: number;
  samples: number;
  rejected: number;
  /** What readers pass over without a sample being lost, of shards of another program; left out where there is nothing. */
  notes?: Partial<Record<NoteKind, number>>;
}

/** Files of a folder by name, with their bytes. */
export async function filesOf(store: Store): Promise<Map<string, number>> {
  const files = new Map<string, number>();
  for await (const { name, bytes } of store.list("", { anyOrder: true })) files.set(name, bytes);
  return files;
}

/** Reports tars that readers don't see, since they are packed. */
function reportPacked(there: ReadonlySet<string>, report: Report): void {
  for (const file of there)
    if (packedTar.test(file))
      report("unexpected", file, "readers pass it over: unpack it, so that it is a .tar");
}

/** Names of the shards of which a file is there ("00000"). */
export const shardNames = (files: Iterable<string>): string[] =>
  [...files].flatMap(
    (file) =>
      /^([^/]+)\.tar$/.exec(file)?.[1] ?? /^(\d{5,})(?:\.parquet|_stats\.json)$/.exec(file)?.[1] ?? [],
  );

/**
 * Checks a folder of shards wholly: the structure of every tar, pictures and texts paired, keys unique, and all that
 * sidecars say. Of a release also: keys in order, records and pictures equal to the tables, hashes equal to the data
 * card's, its counts and pages, kept + rejected = candidates. Damage is listed, never thrown.
 * @throws UserError where there are no shards at all
 */
export async function verifyRelease(
  place: string | Store,
  options: VerifyOptions = {},
): Promise<Verification> {
  const store = typeof place === "string" ? await openStore(place, { readOnly: true }) : place;
  const list = new ProblemList();
  const { report } = list;
  const files = await filesOf(store);
  const there = new Set(files.keys());
  const layout = (await isRelease(store, files)) ? "release" : "plain";
  if (layout === "plain" && !shardNames(there).some((name) => there.has(`${name}.tar`))) {
    throw noShards("no_release", store, there);
  }
  const sidecars = await readSidecars(store, report, layout === "release" ? "report" : "ignore");
  const listed = listedTars(sidecars).map((tar) => tar.replace(/\.tar$/, ""));
  const names = [...new Set([...shardNames(there), ...listed])].sort();
  const check = options.checkPicture ?? (layout === "release" ? checkSignature : checkAnySignature);
  const seen = new SeenKeys();
  const counts = emptyCounts();
  const progress: VerifyProgress = {
    shards: 0,
    ofShards: names.length,
    samples: 0,
    bytes: 0,
    ofBytes: names.reduce((sum, name) => sum + (files.get(`${name}.tar`) ?? 0), 0),
  };
  let samples = 0;
  const notes: Partial<Record<NoteKind, number>> = {};
  const onNote = (kind: NoteKind) => {
    notes[kind] = (notes[kind] ?? 0) + 1;
  };
  if (layout === "plain") reportPacked(there, report);
  for (const [number, name] of names.entries()) {
    const onBytes = (bytes: number, here: number) => {
      progress.bytes += bytes;
      progress.samples = samples + here;
      options.onProgress?.(progress);
    };
    const context = {
      store,
      there,
      sidecars,
      check,
      report,
      onBytes,
      onNote,
    };
    const shard = await (layout === "release" ? checkReleaseShard : checkPlainShard)(name, context);
    reportRepeats(seen, shard?.keys ?? [], names, number, report);
    countSamples(counts, shard?.rows ?? []);
    samples += shard?.samples ?? 0;
    progress.samples = samples;
    progress.shards++;
    options.onProgress?.(progress);
  }
  const card = sidecars["datacard.json"];
  const rejected = layout === "plain" ? 0 : await verifyRejected(store, there, card, counts, report);
  if (layout === "release") {
    if (card !== null) verifyCard(card, { samples, rejected, counts }, report);
    await verifyPages(store, there, card, report);
  }
  const { problems, found } = list;
  return {
    ...{ layout, problems, found, shards: names.length, samples, rejected },
    ...(Object.keys(notes).length === 0 ? {} : { notes }),
  };
}

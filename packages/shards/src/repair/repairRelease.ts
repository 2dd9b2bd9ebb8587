import { UserError } from "@pairloom/config/errors";
import { openStore, type Store } from "@pairloom/storage";
import { sizesFile, widsIndex } from "../release/releaseSidecars.js";
import { noShards } from "../reader/noShards.js";
import { ProblemList, type ReleaseProblem } from "../verify/problem.js";
import { reportRepeats, SeenKeys } from "../verify/seenKeys.js";
import { listedTars, readSidecars } from "../verify/sidecars.js";
import { isRelease } from "../verify/isRelease.js";
import { filesOf, shardNames } from "../verify/verifyRelease.js";
import { rebuildCard } from "./rebuildCard.js";
import { rebuildPlainStats } from "./rebuildPlainStats.js";
import { rebuildShard, type RebuiltShard } from "./rebuildShard.js";
import { findIdentity } from "./identity.js";
import type { RepairContext } from "./repairContext.js";
import { replaceFile } from "./replaceFile.js";

export interface RepairOptions {
  /** Only say what would be rebuilt. */
  dryRun?: boolean;
  /** Take the tars that are there as the dataset, also where a sidecar speaks of other ones. */
  trustTars?: boolean;
  onProgress?: (progress: { shards: number; ofShards: number; samples: number }) => void;
}

export interface Repair {
  layout: "release" | "plain";
  /** Sidecars that were rebuilt (or would be), in that order. */
  rebuilt: string[];
  /** What a sidecar can't mend: damaged tars, and what isn't derivable from them. */
  left: ReleaseProblem[];
  shards: number;
  samples: number;
}

/**
 * Rebuilds the sidecars of a folder of shards from its tars, which are never touched: of a release parquet, statistics,
 * `sizes.json`, the wids index, the data card and its pages; of another program's shards `sizes.json`, the wids index
 * and statistics. Each is written beside and takes its place in one step; what is right already stays. A tar that is
 * not the one that a whole sidecar speaks of is damaged: it is left, and so is what speaks of all shards. Pictures are
 * not looked at: no sidecar depends on what they show.
 * @throws UserError where there are no shards
 */
export async function repairRelease(place: string | Store, options: RepairOptions = {}): Promise<Repair> {
  const { dryRun = false, trustTars = false } = options;
  const store = typeof place === "string" ? await openStore(place, { readOnly: true }) : place;
  const files = await filesOf(store);
  const layout = (await isRelease(store, files)) ? "release" : "plain";
  const tars = shardNames(files.keys()).filter((name) => files.has(`${name}.tar`));
  if (tars.length === 0 && layout === "plain") throw noShards("no_shards", store, files.keys());
  if (tars.length === 0)
    throw new UserError("no_shards", `There are no shards (*.tar) in ${store.url}`, {
      hint: "Sidecars are rebuilt from the tars: put those back from a copy.",
    });
  const list = new ProblemList();
  const rebuilt: string[] = [];
  const put = async (file: string, bytes: Uint8Array) => {
    if (files.has(file) && (await store.get(file)).equals(bytes)) return;
    rebuilt.push(file);
    if (!dryRun) await replaceFile(store, file, bytes);
  };
  // What is wrong with a sidecar itself is what gets mended.
  const sidecars = await readSidecars(store, () => {}, "ignore");
  const identity = await findIdentity(store, files, sidecars);
  const context: RepairContext = { store, files, sidecars, identity, trustTars, list, put };

  const names = [...new Set(tars)].sort();
  const shards: RebuiltShard[] = [];
  const seen = new SeenKeys();
  let samples = 0;
  for (const [number, name] of names.entries()) {
    const shard = await rebuildShard(name, layout, context);
    reportRepeats(seen, shard.keys, names, number, list.report);
    samples += shard.keys.length;
    shards.push(shard);
    options.onProgress?.({ shards: number + 1, ofShards: names.length, samples });
  }
  if (!trustTars) reportLost(new Set(names), context);
  if (layout === "plain") await finishPlain(shards, context);
  else await rebuildCard(shards, context);
  return { layout, rebuilt, left: list.problems, shards: names.length, samples };
}

/** Shards that something names and whose tar isn't there. */
function reportLost(there: ReadonlySet<string>, { files, sidecars, list }: RepairContext): void {
  const named = [
    ...listedTars(sidecars),
    ...[...files.keys()].flatMap((file) => {
      const name = /^(\d{5,})(?:\.parquet|_stats\.json)$/.exec(file)?.[1];
      return name === undefined ? [] : [`${name}.tar`];
    }),
  ];
  for (const tar of [...new Set(named)].sort())
    if (!there.has(tar.replace(/\.tar$/, ""))) list.report("missing", tar, "it isn't there");
}

async function finishPlain(shards: readonly RebuiltShard[], context: RepairContext): Promise<void> {
  const { list, put, identity } = context;
  for (const shard of shards) await rebuildPlainStats(shard, context);
  if (list.found > 0) return;
  await put(
    "index.json",
    widsIndex(
      identity.name,
      shards.map(({ info }) => info),
    ),
  );
  await put("sizes.json", sizesFile(shards.map(({ info }) => info)));
}

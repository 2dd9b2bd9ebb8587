import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { safetensorsParts, type TensorDtype } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import { readShardBatches, type ShardFile, type ShardSample } from "@pairloom/shards";
import type { Store } from "@pairloom/storage";
import { z } from "zod";
import { embedPictures } from "./embedPictures.js";
import type { EvaluatedModel } from "./encodeFeatures.js";
import { publishFile } from "./publishFile.js";

/** `index.json` of an index folder: which model looked at which release. */
export const indexRecord = z.strictObject({
  version: z.literal(1),
  /** Stands for the weights: the checkpoint's sha256. */
  model: z.string(),
  width: z.int().min(1),
  dtype: z.enum(["F32", "F16"]),
});
export type IndexRecord = z.infer<typeof indexRecord>;

/** What is kept of a sample beside its features. */
export interface IndexedSample {
  key: string;
  shard: string;
  text: string;
  /** The picture's address, where the release has it. */
  url: string | null;
}

export interface EmbedOptions {
  /** Stands for the weights: an index of other weights is refused. */
  fingerprint: string;
  dtype?: "F32" | "F16";
  batchSize?: number;
  log?: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * Embeds every picture of a release once, into `folder`: for each shard one file of features and one of samples. What is
 * there already is kept, so a run that was stopped goes on where it was.
 *
 * @returns how many pictures are embedded, and how many could not be read
 * @throws UserError "index_differs" where the folder holds an index of other weights
 */
export async function embedRelease(
  store: Store,
  shards: readonly ShardFile[],
  model: EvaluatedModel,
  folder: string,
  options: EmbedOptions,
): Promise<{ embedded: number; skipped: number }> {
  const { dtype = "F16", log = () => {} } = options;
  await mkdir(folder, { recursive: true });
  const record: IndexRecord = {
    version: 1,
    model: options.fingerprint,
    width: model.config.embed_dim,
    dtype,
  };
  await claimFolder(folder, record);
  const done = new Set(await readdir(folder));
  let embedded = 0;
  let skipped = 0;
  for (const { name } of shards) {
    options.signal?.throwIfAborted();
    const base = name.replace(/\.tar$/, "");
    if (done.has(`${base}.samples.json`)) {
      const old = JSON.parse(await readFile(join(folder, `${base}.samples.json`), "utf8")) as unknown[];
      embedded += old.length;
      continue;
    }
    const shard = await embedShard(store, name, model, options);
    const tensor = {
      dtype: dtype as TensorDtype,
      shape: [shard.samples.length, record.width],
      data: shard.features,
    };
    await publishFile(join(folder, `${base}.features`), safetensorsParts(new Map([["features", tensor]])));
    await publishFile(join(folder, `${base}.samples.json`), [
      Buffer.from(`${JSON.stringify(shard.samples)}\n`),
    ]);
    embedded += shard.samples.length;
    skipped += shard.skipped;
    log(`embedded ${embedded} pictures`);
  }
  return { embedded, skipped };
}

async function claimFolder(folder: string, record: IndexRecord): Promise<void> {
  const path = join(folder, "index.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch {
    await publishFile(path, [Buffer.from(`${JSON.stringify(record)}\n`)]);
    return;
  }
  const old = indexRecord.safeParse(JSON.parse(text));
  const same = old.success && JSON.stringify(old.data) === JSON.stringify(record);
  if (same) return;
  throw new UserError("index_differs", `${folder} holds an index made with other weights or settings`, {
    hint: "Choose another folder for the index, or delete that one.",
  });
}

async function embedShard(store: Store, shard: string, model: EvaluatedModel, options: EmbedOptions) {
  let damaged = 0;
  async function* samplesOfShard(): AsyncGenerator<ShardSample> {
    for await (const batch of readShardBatches(store, shard, 0, () => damaged++)) {
      for (const { sample } of batch) yield sample;
    }
  }
  const keep = ({ key, text, json }: ShardSample): IndexedSample => {
    const url = json?.["url"];
    return { key, shard, text, url: typeof url === "string" ? url : null };
  };
  const { features, kept, skipped } = await embedPictures(model, samplesOfShard(), keep, options);
  return { samples: kept, features: features.data, skipped: skipped + damaged };
}

/** Removes an index that is no longer wanted. */
export async function removeIndex(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

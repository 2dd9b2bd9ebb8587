import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { preprocessingOf } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import type { EmbedProgress, Hit, SearchIndex, SearchIndexOptions, SearchKind } from "@pairloom/evaluation";
import { findShards } from "@pairloom/shards";
import { isStoreUrl, openStore, type Store } from "@pairloom/storage";
import type { OpenModel } from "./openModel.js";

/** What is looked for: by a sentence, or by a picture. */
export type SearchQuery = { sentence: string } | { image: Uint8Array; path: string };

export interface SearchRequest {
  /** The folder of the shards. */
  release: string;
  /** Where the embedded release is kept; by default beside the release. */
  index?: string | undefined;
  kind: SearchKind;
  count: number;
  store: NonNullable<SearchIndexOptions["store"]>;
  approximate: boolean;
  batchSize: number;
  progress: (done: EmbedProgress) => void;
  log: (line: string) => void;
}

export interface SearchResult {
  hits: Hit[];
  index: EmbedProgress & { folder: string; embedSeconds: number };
  searchMs: number;
  /** The sentence has more tokens than the model reads. */
  truncated: boolean;
  /** The release, to read the pictures that were found. */
  shards: Store;
}

/**
 * Finds the pictures (or texts) of a release that are nearest to a sentence or a picture. What of the release is not
 * embedded yet is embedded first.
 *
 * @throws UserError "query_empty", "query_unreadable", and what embedding and opening the index throw
 */
export async function searchRelease(
  { model, fingerprint }: OpenModel,
  query: SearchQuery,
  request: SearchRequest,
): Promise<SearchResult> {
  const { embedRelease, openSearchIndex } = await import("@pairloom/evaluation");
  const release = isStoreUrl(request.release) ? request.release : resolve(request.release);
  if (isStoreUrl(release) && request.index === undefined)
    throw new UserError("index_place", "A release that is not on this machine has no place for its index", {
      hint: "Say where to keep it: --index FOLDER.",
    });
  const shards = await openStore(release, { readOnly: true });
  const { feature, truncated } = await featureOf(model, query);
  const folder =
    request.index ?? join(dirname(release), `.index-${fingerprint.slice(0, 16)}-${basename(release)}`);
  const start = performance.now();
  const embedded = await embedRelease(shards, await findShards(shards), model, folder, {
    fingerprint,
    kind: request.kind,
    batchSize: request.batchSize,
    progress: request.progress,
  });
  const embedSeconds = (performance.now() - start) / 1000;
  const { kind, store, approximate, log, count } = request;
  const index = await openSearchIndex(folder, { kind, store, approximate, log });
  try {
    const begin = performance.now();
    const hits = await (kind === "texts"
      ? distinctTexts(index, feature, count)
      : index.search(feature, count));
    const searchMs = performance.now() - begin;
    return { hits, index: { ...embedded, folder, embedSeconds }, searchMs, truncated, shards };
  } finally {
    await index.close();
  }
}

async function featureOf(
  model: OpenModel["model"],
  query: SearchQuery,
): Promise<{ feature: Float32Array; truncated: boolean }> {
  const { checkFinite, imageFeatures, preprocessPicture, textFeatures } =
    await import("@pairloom/evaluation");
  if ("sentence" in query) {
    const length = model.config.text_cfg.context_length;
    const truncated = model.tokenizer.encode(query.sentence).length + 2 > length;
    return { feature: checkFinite(await textFeatures(model, [query.sentence])).data, truncated };
  }
  const pixels = await preprocessPicture(query.image, preprocessingOf(model.config)).catch(
    (cause: unknown) => {
      throw new UserError("query_unreadable", `${query.path} can't be read as a picture`, {
        hint: "--image takes a JPEG, PNG, WebP or other raster file.",
        cause,
      });
    },
  );
  return { feature: checkFinite(await imageFeatures(model, pixels)).data, truncated: false };
}

/** Pairs often share a caption (capitals make no difference to the model): each is told once, by the first that has it. */
async function distinctTexts(index: SearchIndex, feature: Float32Array, count: number): Promise<Hit[]> {
  for (let asked = 2 * count; ; asked *= 4) {
    const hits = await index.search(feature, asked);
    const first = new Map<string, Hit>();
    for (const hit of hits) {
      const text = hit.text.trim().toLowerCase();
      if (!first.has(text)) first.set(text, hit);
    }
    if (first.size >= count || hits.length < asked) return [...first.values()].slice(0, count);
  }
}

/** The query as a person gave it. @throws UserError "query_empty", "query_twofold", "image_missing" */
export async function queryOf(
  sentence: string | undefined,
  imagePath: string | undefined,
): Promise<SearchQuery> {
  if (imagePath !== undefined) {
    if (sentence !== undefined)
      throw new UserError("query_twofold", "Expected a sentence or --image, got both", {
        hint: "Search twice, once with each.",
      });
    const image = await readFile(imagePath).catch((cause: unknown) => {
      throw new UserError("image_missing", `${imagePath} can't be read`, { cause });
    });
    return { image, path: imagePath };
  }
  if (sentence !== undefined && sentence.trim() !== "") return { sentence };
  throw new UserError(
    "query_empty",
    sentence === undefined ? "There is nothing to look for" : "The sentence is empty",
    {
      hint: 'Give a sentence ("a red circle") or a picture (--image FILE).',
    },
  );
}

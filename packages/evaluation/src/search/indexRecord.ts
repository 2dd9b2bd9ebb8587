import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { clipPreprocessConfig, type ModelConfig, modelConfigSchema } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { z } from "zod";
import { publishFile } from "../publishFile.js";

/** What of a release's pairs is looked for. */
export const searchKinds = ["images", "texts"] as const;
export type SearchKind = (typeof searchKinds)[number];

/** `index.json` of an index folder: which model looked at the release. */
const indexRecord = z.strictObject({
  version: z.literal(2),
  /** Stands for the weights: the checkpoint's sha256. */
  model: z.string(),
  /** E. */
  width: z.int().min(1),
  /** Stands for the model's config and its preprocessing; indexes of before have none, and were made with CLIP's. */
  config: z.string().optional(),
});
export type IndexRecord = z.infer<typeof indexRecord>;

/** Stands for what a model makes of an image or a text beside its weights: its config with its preprocessing. */
function configFingerprint(config: ModelConfig): string {
  const said = { ...config, preprocess_cfg: config.preprocess_cfg ?? clipPreprocessConfig };
  return createHash("sha256")
    .update(JSON.stringify(modelConfigSchema.parse(said)))
    .digest("hex");
}

/**
 * Makes the folder an index of these weights and this config.
 *
 * @param fingerprint stands for the weights
 * @throws UserError "index_differs" where it is one of others already
 */
export async function claimIndex(folder: string, fingerprint: string, config: ModelConfig): Promise<void> {
  const record: IndexRecord = {
    version: 2,
    model: fingerprint,
    width: config.embed_dim,
    config: configFingerprint(config),
  };
  const old = await recordOf(folder);
  if (old === null) {
    await publishFile(join(folder, "index.json"), [Buffer.from(`${JSON.stringify(record)}\n`)]);
    return;
  }
  if (old !== "unknown" && old.model === record.model && old.width === record.width) {
    const isUsual = isDeepStrictEqual(config.preprocess_cfg ?? clipPreprocessConfig, clipPreprocessConfig);
    if (old.config === record.config || (old.config === undefined && isUsual)) return;
  }
  throw new UserError("index_differs", `${folder} holds an index made with other weights or settings`, {
    hint: "Choose another folder for the index, or delete that one.",
  });
}

/** @throws UserError "index_missing" where the folder holds no index, or none of this version */
export async function readIndexRecord(folder: string): Promise<IndexRecord> {
  const record = await recordOf(folder);
  if (record !== null && record !== "unknown") return record;
  throw new UserError("index_missing", `There is no search index in ${folder}`, {
    hint: "Embed a release first: `pairloom search` does it by itself.",
  });
}

async function recordOf(folder: string): Promise<IndexRecord | "unknown" | null> {
  const text = await readFile(join(folder, "index.json"), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return indexRecord.parse(JSON.parse(text));
  } catch {
    return "unknown";
  }
}

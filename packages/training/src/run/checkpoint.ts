import { createHash } from "node:crypto";
import { readFile, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  checkStateDict,
  type HostTensor,
  type ModelConfig,
  readSafetensors,
  type StateDict,
  safetensorsParts,
} from "@pairloom/clip";
import type { ShardCursor } from "@pairloom/shards";
import { z } from "zod";
import { writeDurably, writeJsonDurably } from "./writeDurably.js";

/** What a run needs beside the weights to go on bit for bit. The random state is the step itself. */
export interface Checkpoint {
  /** Steps done. */
  step: number;
  /** open_clip's keys and layouts. */
  model: StateDict;
  /** `exp_avg.KEY` and `exp_avg_sq.KEY` (and `parameter.KEY` where the model is an average), in the layouts of the keys. */
  optimizer: Map<string, HostTensor>;
  /** Where the next batch is read; null where the data are in memory, and the step says it. */
  cursor: ShardCursor | null;
}

const manifest = z.strictObject({
  step: z.int().min(0),
  cursor: z
    .object({
      epoch: z.int(),
      shard: z.int(),
      sample: z.int(),
      byte: z.int(),
      block: z.int(),
      taken: z.int(),
    })
    .nullable(),
  /** sha256 of the two files. */
  model: z.string(),
  optimizer: z.string(),
});

export interface CheckpointFiles {
  step: number;
  /** The weights in open_clip's layout: safetensors. */
  model: string;
  /** The optimizer's moments: safetensors in form, under another ending, since it is no model. */
  optimizer: string;
  /** Digests of both; written last, so it says that the checkpoint is whole. */
  manifest: string;
}

export function checkpointFiles(run: string, step: number): CheckpointFiles {
  const base = join(run, "checkpoints", `step-${String(step).padStart(6, "0")}`);
  return { step, model: `${base}.safetensors`, optimizer: `${base}.optimizer`, manifest: `${base}.json` };
}

/** Whole checkpoints of a run, by rising step. */
export async function listCheckpoints(run: string): Promise<CheckpointFiles[]> {
  const names = await readdir(join(run, "checkpoints")).catch(() => []);
  return names
    .flatMap((name) => /^step-(\d{6,})\.json$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .map((step) => checkpointFiles(run, step));
}

export async function saveCheckpoint(
  run: string,
  checkpoint: Checkpoint,
  metadata: Readonly<Record<string, string>>,
): Promise<CheckpointFiles> {
  const files = checkpointFiles(run, checkpoint.step);
  const model = [...safetensorsParts(checkpoint.model, metadata)];
  const optimizer = [...safetensorsParts(checkpoint.optimizer, { step: String(checkpoint.step) })];
  await writeDurably(files.optimizer, optimizer);
  await writeDurably(files.model, model);
  await writeJsonDurably(files.manifest, {
    step: checkpoint.step,
    cursor: checkpoint.cursor,
    model: digest(model),
    optimizer: digest(optimizer),
  });
  return files;
}

/** @throws where a file is missing, broken, or not what the manifest says */
export async function loadCheckpoint(files: CheckpointFiles, config: ModelConfig): Promise<Checkpoint> {
  const expected = manifest.parse(JSON.parse(await readFile(files.manifest, "utf8")));
  const read = async (path: string, sha256: string) => {
    const bytes = await readFile(path);
    if (digest([bytes]) !== sha256) throw new Error(`${path} is not what was written: its sha256 differs`);
    return readSafetensors(bytes);
  };
  const model = checkStateDict(await read(files.model, expected.model), config);
  const optimizer = await read(files.optimizer, expected.optimizer);
  return { step: expected.step, model, optimizer, cursor: expected.cursor };
}

/**
 * The newest checkpoint that is whole and sound. A damaged one is set aside under the ending `.damaged` and reported, and
 * the one before is taken.
 */
export async function loadNewestCheckpoint(
  run: string,
  config: ModelConfig,
  warn: (line: string) => void,
): Promise<Checkpoint | null> {
  for (const files of (await listCheckpoints(run)).reverse()) {
    try {
      return await loadCheckpoint(files, config);
    } catch (error) {
      warn(
        `checkpoint ${files.model} is damaged (${(error as Error).message}); going back to the one before`,
      );
      for (const path of [files.manifest, files.model, files.optimizer]) {
        await rename(path, `${path}.damaged`).catch(() => {});
      }
    }
  }
  return null;
}

/** Removes all but the last `keep` checkpoints, and the one of step `best`. */
export async function pruneCheckpoints(run: string, keep: number, best: number | null): Promise<void> {
  const old = (await listCheckpoints(run)).slice(0, -keep).filter(({ step }) => step !== best);
  for (const { manifest, model, optimizer } of old) {
    // the manifest first: what is left after a crash is no checkpoint, and the next start sweeps it
    for (const path of [manifest, model, optimizer]) await rm(path, { force: true });
  }
}

/** Removes files of checkpoints that were never finished, or removed in part. */
export async function sweepCheckpoints(run: string): Promise<void> {
  const folder = join(run, "checkpoints");
  const names = new Set(await readdir(folder).catch(() => []));
  for (const name of names) {
    const step = /^step-(\d{6,})\.(safetensors|optimizer)$/.exec(name)?.[1];
    const unfinished = step !== undefined && !names.has(`step-${step}.json`);
    if (unfinished || name.endsWith(".part")) await rm(join(folder, name), { force: true });
  }
}

function digest(parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

import { readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import {
  checkStateDict,
  type HostTensor,
  type ModelConfig,
  CheckpointError,
  type CheckpointProblem,
  readSafetensorsFile,
  type TensorFile,
  type StateDict,
  safetensorsParts,
} from "@pairloom/clip";
import type { ShardCursor } from "@pairloom/shards";
import { sha256OfFile, sha256OfParts } from "@pairloom/storage";
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

/** Names in a run's folder of checkpoints, which there may not be yet. */
export async function checkpointNames(run: string): Promise<string[]> {
  try {
    return await readdir(join(run, "checkpoints"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/** Whole checkpoints of a run, by rising step. */
export async function listCheckpoints(run: string): Promise<CheckpointFiles[]> {
  return (await checkpointNames(run))
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
    model: sha256OfParts(model),
    optimizer: sha256OfParts(optimizer),
  });
  return files;
}

/** A file of a checkpoint is gone, or its bytes are not those that were written. */
export class CheckpointDamagedError extends Error {
  readonly code = "checkpoint_damaged";
  constructor(what: string, cause?: unknown) {
    super(what, cause === undefined ? undefined : { cause });
    this.name = "CheckpointDamagedError";
  }
}

/**
 * Reads a checkpoint tensor by tensor, of any size.
 *
 * @throws CheckpointDamagedError where a file is missing, broken, or not what the manifest says; else what kept it from
 * being read: then the checkpoint may be sound
 */
export async function loadCheckpoint(files: CheckpointFiles, config: ModelConfig): Promise<Checkpoint> {
  const expected = await readManifest(files.manifest);
  const read = async (path: string, sha256: string): Promise<TensorFile> => {
    if ((await whereThere(sha256OfFile(path))) !== sha256)
      throw new CheckpointDamagedError(`${path} is not what was written: its sha256 differs`);
    try {
      return await readSafetensorsFile(path);
    } catch (error) {
      const isBroken = error instanceof CheckpointError && brokenForm.has(error.problem);
      throw isBroken ? new CheckpointDamagedError(`${path}: ${error.message}`, error) : error;
    }
  };
  const model = checkStateDict(await read(files.model, expected.model), config);
  const optimizer = await read(files.optimizer, expected.optimizer);
  return { step: expected.step, model, optimizer, cursor: expected.cursor };
}

/** What is wrong with a file itself, whoever reads it. */
const brokenForm: ReadonlySet<CheckpointProblem> = new Set([
  "checkpoint_truncated",
  "checkpoint_header_invalid",
  "checkpoint_tensor_overlap",
  "checkpoint_tensor_range",
]);

async function readManifest(path: string): Promise<z.infer<typeof manifest>> {
  const text = await whereThere(readFile(path, "utf8"));
  try {
    return manifest.parse(JSON.parse(text));
  } catch (error) {
    throw new CheckpointDamagedError(`${path} is no manifest`, error);
  }
}

async function whereThere<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw isGone ? new CheckpointDamagedError((error as Error).message, error) : error;
  }
}

/**
 * Removes all but the last `keep` checkpoints up to a step, and the one of step `best`. Later ones, which a run that could
 * not read them goes towards again, are none of its last.
 */
export async function pruneCheckpoints(
  run: string,
  step: number,
  keep: number,
  best: number | null,
): Promise<void> {
  const done = (await listCheckpoints(run)).filter((files) => files.step <= step);
  const old = done.slice(0, -keep).filter((files) => files.step !== best);
  for (const { manifest, model, optimizer } of old) {
    // the manifest first: what is left after a crash is no checkpoint, and the next start sweeps it
    for (const path of [manifest, model, optimizer]) await rm(path, { force: true });
  }
}

/**
 * Removes files of a checkpoint that was never finished, or removed in part. Those of several without any manifest are
 * no crash's doing: they stay.
 */
export async function sweepCheckpoints(run: string): Promise<void> {
  const names = new Set(await checkpointNames(run));
  const unfinished = [...names].flatMap((name) => {
    const step = /^step-(\d{6,})\.(?:safetensors|optimizer)$/.exec(name)?.[1];
    return step !== undefined && !names.has(`step-${step}.json`) ? [{ name, step }] : [];
  });
  const hasWhole = [...names].some((name) => /^step-\d{6,}\.json$/.test(name));
  const swept = hasWhole || new Set(unfinished.map(({ step }) => step)).size < 2 ? unfinished : [];
  for (const name of [
    ...swept.map((file) => file.name),
    ...[...names].filter((one) => one.endsWith(".part")),
  ])
    await rm(join(run, "checkpoints", name), { force: true });
}

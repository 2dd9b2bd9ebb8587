import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDir } from "./installation.js";

/** Loss and global gradient norm over a few AdamW steps; each gradient's largest size and a sample of it at the first. */
export interface Trace {
  engine: string;
  version: string;
  losses: number[];
  norms: number[];
  gradients: Record<string, { scale: number; sample: number[] }>;
  tensors: number[];
  /** Held on the GPU after each step; 0 where there is none. */
  gpuBytes: number[];
}

const run = promisify(execFile);

/** Trains a small model in a process of its own: TensorFlow stays in one for good. */
export async function trainSmallModel(engine: string, model: string, threads = 2): Promise<Trace> {
  const script = join(import.meta.dirname, "trainSmallModel.mjs");
  const args = [script, engine, cacheDir, model, String(threads)];
  const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 26 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Trace;
}

const known = new Map<string, Promise<Trace>>();

/** A training that several tests look at: done once. */
export function knownTraining(engine: string, model: string): Promise<Trace> {
  const key = `${engine} ${model}`;
  let trace = known.get(key);
  if (trace === undefined) known.set(key, (trace = trainSmallModel(engine, model)));
  return trace;
}

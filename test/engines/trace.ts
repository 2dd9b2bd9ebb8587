import { spawnSync } from "node:child_process";
import { join } from "node:path";
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

/** Trains a small model in a process of its own: TensorFlow stays in one for good. */
export function trainSmallModel(engine: string, model: string, threads = 2): Trace {
  const script = join(import.meta.dirname, "trainSmallModel.mjs");
  const result = spawnSync(process.execPath, [script, engine, cacheDir, model, String(threads)], {
    encoding: "utf8",
  });
  if (result.status !== 0) throw new Error(result.stderr.slice(-2000));
  return JSON.parse(result.stdout.trim().split("\n").at(-1) ?? "") as Trace;
}

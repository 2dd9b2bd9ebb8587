import { cacheDir } from "./installation.js";
import { once, scriptAnswer } from "./scriptAnswer.js";

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

/** Trains a small model in a process of its own. */
export function trainSmallModel(engine: string, model: string, threads = 2): Promise<Trace> {
  return scriptAnswer("trainSmallModel.mjs", engine, cacheDir, model, String(threads));
}

/** A training that several tests look at: done once. */
export const knownTraining = once((engine: string, model: string) => trainSmallModel(engine, model));

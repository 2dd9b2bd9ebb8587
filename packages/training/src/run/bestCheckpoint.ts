import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeJsonDurably } from "./writeDurably.js";

const best = z.strictObject({ metric: z.string(), value: z.number(), step: z.int() });

/** The checkpoint with a run's best evaluation so far: `best.json` in the run's folder. */
export type BestCheckpoint = z.infer<typeof best>;

const file = (run: string) => join(run, "best.json");

/** Null where none was kept yet, or it can't be read. */
export async function readBest(run: string): Promise<BestCheckpoint | null> {
  const text = await readFile(file(run), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return best.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

export function writeBest(run: string, value: BestCheckpoint): Promise<void> {
  return writeJsonDurably(file(run), value);
}

/** Whether a value beats the best so far: less is better for losses, ranks and errors, more for everything else. */
export function isBetter(metric: string, value: number, before: BestCheckpoint | null): boolean {
  if (before === null || before.metric !== metric) return true;
  return /loss|rank|error/i.test(metric) ? value < before.value : value > before.value;
}

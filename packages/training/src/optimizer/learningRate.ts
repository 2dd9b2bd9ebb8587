import type { TrainSettings } from "../settings/trainSettings.js";

/**
 * The rate of a step: a linear warm-up, then half a cosine down to 0 at the last step (or constant).
 *
 * @param step 1 for the first
 * @param steps of the whole run
 */
export function learningRate(
  step: number,
  steps: number,
  { lr, warmup, schedule }: Pick<TrainSettings, "lr" | "warmup" | "schedule">,
): number {
  if (step <= warmup) return (lr * step) / warmup;
  if (schedule === "constant") return lr;
  const progress = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return (lr * (1 + Math.cos(Math.PI * progress))) / 2;
}

/**
 * The learning rate that open_clip 3.3.0 sets before a step (`cosine_lr`, `const_lr` of open_clip_train/scheduler.py).
 *
 * @param step 1 for the first; open_clip counts from 0, so its cosine is a step behind ours
 */
export function openClipRate(
  step: number,
  {
    lr,
    warmup,
    schedule,
    steps,
  }: { lr: number; warmup: number; schedule: "cosine" | "constant"; steps: number },
): number {
  const before = step - 1;
  if (before < warmup) return (lr * step) / warmup;
  if (schedule === "constant") return lr;
  return 0.5 * (1 + Math.cos((Math.PI * (before - warmup)) / (steps - warmup))) * lr;
}

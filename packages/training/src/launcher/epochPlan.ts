/** How open_clip, which counts epochs alone, comes to a number of steps. */
export interface EpochPlan {
  /** Its --epochs. */
  epochs: number;
  /** Optimizer steps in each of them. */
  stepsPerEpoch: number;
  /** Its --train-num-samples: the epoch's length in samples. */
  samplesPerEpoch: number;
  /** epochs × stepsPerEpoch: the steps wanted, or the next number that can be had. */
  steps: number;
}

export interface EpochWish {
  /** Of the whole run. */
  steps: number;
  /** Steps that an epoch should have: those of a pass over the data, or fewer. */
  target: number;
  /** Pairs in a step, over all processes and micro-batches. */
  batchSize: number;
  accumulate: number;
  /** Loader processes of each process; open_clip rounds an epoch up to whole turns of them. */
  workers: number;
}

/**
 * The epochs whose steps are exactly those wanted, as near to the target as can be (between half and twice of it); where
 * no number of epochs divides the steps so, the steps are rounded up.
 */
export function planEpochs({ steps, target, batchSize, accumulate, workers }: EpochWish): EpochPlan {
  const fits = (length: number) => (length * accumulate) % Math.max(1, workers) === 0;
  const plan = (epochs: number, stepsPerEpoch: number): EpochPlan => ({
    epochs,
    stepsPerEpoch,
    samplesPerEpoch: stepsPerEpoch * batchSize,
    steps: epochs * stepsPerEpoch,
  });
  let best: number | null = null;
  for (let length = Math.ceil(target / 2); length <= Math.min(steps, 2 * target); length++) {
    if (steps % length !== 0 || !fits(length)) continue;
    if (best === null || Math.abs(length - target) < Math.abs(best - target)) best = length;
  }
  if (best === null && steps < target && fits(steps)) best = steps;
  if (best !== null) return plan(steps / best, best);
  const epochs = Math.max(1, Math.round(steps / target));
  let length = Math.ceil(steps / epochs);
  while (!fits(length)) length++;
  return plan(epochs, length);
}

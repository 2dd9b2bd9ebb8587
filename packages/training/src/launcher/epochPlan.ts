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
 * The epochs that come nearest to the steps wanted, from above, and among those the epochs nearest to the target length
 * (between half and twice of it).
 */
export function planEpochs({ steps, target, batchSize, accumulate, workers }: EpochWish): EpochPlan {
  const fits = (length: number) => (length * accumulate) % Math.max(1, workers) === 0;
  const excess = (length: number) => Math.ceil(steps / length) * length - steps;
  let best: number | null = null;
  const shortest = Math.min(steps, Math.ceil(target / 2));
  for (let length = shortest; best === null || length <= 2 * target; length++) {
    if (!fits(length)) continue;
    const better =
      best === null
        ? -1
        : excess(length) - excess(best) || Math.abs(length - target) - Math.abs(best - target);
    if (better < 0) best = length;
  }
  const epochs = Math.ceil(steps / best);
  return { epochs, stepsPerEpoch: best, samplesPerEpoch: best * batchSize, steps: epochs * best };
}

/** The plan of as many loader processes as come nearest to the steps wanted, at most `mostWorkers`. */
export function planWorkers(
  wish: Omit<EpochWish, "workers">,
  mostWorkers: number,
): { plan: EpochPlan; workers: number } {
  let best = { plan: planEpochs({ ...wish, workers: mostWorkers }), workers: mostWorkers };
  for (let workers = mostWorkers - 1; workers >= 1 && best.plan.steps > wish.steps; workers--) {
    const plan = planEpochs({ ...wish, workers });
    if (plan.steps < best.plan.steps) best = { plan, workers };
  }
  return best;
}

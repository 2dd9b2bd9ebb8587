/** λ = 10^(−6 + i/8) for i from 0 to 96. */
const stepsPerDecade = 8;
const lastStep = 12 * stepsPerDecade;
const firstStride = 2 * stepsPerDecade;

export interface TriedC {
  c: number;
  /** Share of the validation pictures that were right. */
  accuracy: number;
}

/**
 * Chooses the penalty as the CLIP paper does (A.3): λ = 1/C from 1e-6 to 1e6 in 96 steps, by a search that begins with every
 * second decade and halves its stride around the best. Of equal ones the strongest penalty wins.
 *
 * @param accuracyAt trains with C and gives the accuracy on validation pictures
 */
export async function chooseC(
  accuracyAt: (c: number) => Promise<number>,
): Promise<{ c: number; tried: TriedC[] }> {
  const seen = new Map<number, number>();
  const look = async (step: number) => {
    if (step < 0 || step > lastStep || seen.has(step)) return;
    seen.set(step, await accuracyAt(cOf(step)));
  };
  const best = () => [...seen].reduce((a, b) => (b[1] > a[1] || (b[1] === a[1] && b[0] > a[0]) ? b : a))[0];
  // from the strongest penalty on: each fit begins where the one before ended
  for (let step = lastStep; step >= 0; step -= firstStride) await look(step);
  for (let stride = firstStride / 2; stride >= 1; stride /= 2) {
    const middle = best();
    await look(middle + stride);
    await look(middle - stride);
  }
  return { c: cOf(best()), tried: [...seen].map(([step, accuracy]) => ({ c: cOf(step), accuracy })) };
}

const cOf = (step: number): number => 10 ** (6 - step / stepsPerDecade);

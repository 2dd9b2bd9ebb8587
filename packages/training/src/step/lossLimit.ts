import type { LossKind } from "@pairloom/clip";

/** exp(logit_scale) and logit_bias, of a model. */
export interface Logits {
  scale: number;
  /** Null where the model has none. */
  bias: number | null;
}

/** ln(1 + eˣ), also where eˣ is beyond a number. */
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** SigLIP's loss of a batch where every pair's own logit is one number and all others are another. */
const siglipAt = (batchSize: number, own: number, others: number): number =>
  softplus(-own) + (batchSize - 1) * softplus(others);

/**
 * The loss of a model that knows nothing of its pairs but how many there are, at its best: ln B for CLIP's. SigLIP's asks
 * B questions a row of which one is to be answered with yes; whoever says yes with the chance 1/B has ln B + (B−1) ln(B/(B−1)).
 */
export function guessingLoss(loss: LossKind, batchSize: number): number {
  if (loss === "clip") return Math.log(batchSize);
  const logit = -Math.log(batchSize - 1);
  return siglipAt(batchSize, logit, logit);
}

/**
 * A loss beyond this has exploded. CLIP's begins near ln B; ten times that and more is beyond what training comes back
 * from. SigLIP's is a sum over B questions a row: it begins at B ln 2 without a bias, at what the bias makes of it with
 * one, and with trained weights in a new domain, or those of a model trained with CLIP's loss, at whatever their scale
 * and bias give: no features at all can make a first step explode.
 *
 * @param start the model's logits when its training began, or went on
 */
export function lossLimit(loss: LossKind, batchSize: number, { scale, bias }: Logits): number {
  if (loss === "clip") return 10 * (1 + Math.log(batchSize));
  const shift = bias ?? 0;
  const untold = Math.max(batchSize * Math.LN2, siglipAt(batchSize, shift, shift));
  const worst = siglipAt(batchSize, shift - scale, shift + scale);
  // float32 rounds sums of that many
  return Math.max(10 * (1 + untold), 1.01 * worst);
}

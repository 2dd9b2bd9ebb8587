/** What the gradients are multiplied by so that their global norm is at most `max` (as PyTorch's clip_grad_norm_). */
export function clipScale(norm: number, max: number | null): number {
  return max === null ? 1 : Math.min(1, max / (norm + 1e-6));
}

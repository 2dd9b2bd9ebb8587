/** A step costs about three forward passes (one there, two back); an evaluation is forward passes alone. */
const forwardShare = 1 / 3;
const fewest = 16;
const most = 512;
/** Many classes get one prompt each. */
const classesWithAllPrompts = 100;

export interface EvaluationSize {
  /** Pairs that are embedded. */
  pairs: number;
  promptsPerClass: "all" | "one";
}

/**
 * How much an evaluation looks at, so that it costs at most `share` of the time between two of them. It follows from the
 * settings alone, no clock, so the same run evaluates the same pairs on any machine. At least 16 pairs, which may cost more
 * where evaluations are very frequent; at most 512.
 *
 * @param every steps between evaluations (those of the run, where it is evaluated at its end alone)
 * @param prompts templates of a class, if all are used; a prompt counts as half a pair
 */
export function evaluationSize(
  {
    every,
    batchSize,
    classes,
    prompts,
  }: { every: number; batchSize: number; classes: number; prompts: number },
  share = 0.02,
): EvaluationSize {
  const promptsPerClass = classes <= classesWithAllPrompts ? "all" : "one";
  const forPrompts = (classes * (promptsPerClass === "all" ? prompts : 1)) / 2;
  const affordable = (share * every * batchSize) / forwardShare - forPrompts;
  return { pairs: Math.min(most, Math.max(fewest, Math.floor(affordable))), promptsPerClass };
}

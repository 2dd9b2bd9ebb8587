/** One field over the steps. */
export interface Curve {
  steps: number[];
  values: number[];
}

/** What a run's metrics have become so far: a curve for every numeric field, of steps and of evaluations. */
export interface RunCurves {
  steps: Map<string, Curve>;
  evaluations: Map<string, Curve>;
}

export const emptyCurves = (): RunCurves => ({ steps: new Map(), evaluations: new Map() });

/** Adds lines of metrics. A run that went on from an earlier checkpoint does steps again: they take the place of the old ones. */
export function addLines(curves: RunCurves, lines: readonly Record<string, unknown>[]): void {
  for (const line of lines) {
    const { step, evaluation, ...fields } = line;
    if (typeof step !== "number") continue;
    const isEvaluation = typeof evaluation === "object" && evaluation !== null;
    const into = isEvaluation ? curves.evaluations : curves.steps;
    if (!isEvaluation) for (const [, curve] of curves.evaluations) cut(curve, step);
    for (const [name, value] of Object.entries(isEvaluation ? evaluation : fields)) {
      if (typeof value !== "number") continue;
      let curve = into.get(name);
      if (curve === undefined) into.set(name, (curve = { steps: [], values: [] }));
      cut(curve, step);
      curve.steps.push(step);
      curve.values.push(value);
    }
  }
}

/** Drops points of this step and later ones. */
function cut({ steps, values }: Curve, step: number): void {
  while (steps.length > 0 && steps[steps.length - 1]! >= step) {
    steps.pop();
    values.pop();
  }
}

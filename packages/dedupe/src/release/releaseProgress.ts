/** The join of near pairs is left out where there are few pictures; `plan` is what writes the decision down. */
export const releaseSteps = ["rows", "near_pairs", "pictures", "captions", "plan"] as const;

/** How far a release's decision is: its steps come in their order. */
export interface ReleaseProgress {
  step: (typeof releaseSteps)[number];
  done: number;
  /** Null where that is not known yet. */
  of: number | null;
}

const every = 1 << 10;

/** To be called for each of a step's rows: tells now and then how many there were. */
export function progressOf(
  step: ReleaseProgress["step"],
  of: number | null,
  tell: ((progress: ReleaseProgress) => void) | undefined,
): () => void {
  let done = 0;
  return () => {
    done++;
    if (done % every === 0 || done === of) tell?.({ step, done, of });
  };
}

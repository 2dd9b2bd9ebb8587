/** The lock of a run's folder: a training takes it, a trainer's job waits for it, lists of runs look at it. */
export const runLockName = "run.lock";

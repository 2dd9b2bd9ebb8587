import { UserError } from "@pairloom/config";
import type { WishKind } from "./runJob.js";

export const runStates = [
  "waiting",
  "running",
  "pausing",
  "paused",
  "cancelling",
  "cancelled",
  "failed",
  "finished",
  "stopped",
] as const;
export type RunState = (typeof runStates)[number];

/** What a run's state follows from: its folder and the queue, nothing else. */
export interface RunFacts {
  /** The newest wish; null where the run was not launched as a job. */
  wish: WishKind | null;
  /** The queue's job of the newest wish to train. */
  queued: "waiting" | "active" | "failed" | null;
  /** Its newest checkpoint is that of the last step. */
  isFinished: boolean;
  /** A living process trains in its folder. */
  isHeld: boolean;
}

/** Where a run stands. "stopped": begun by hand, and neither at work nor at its end. */
export function runState({ wish, queued, isFinished, isHeld }: RunFacts): RunState {
  if (wish === null) return isHeld ? "running" : isFinished ? "finished" : "stopped";
  if (queued === "active" || (isHeld && queued !== "failed"))
    return wish === "train" ? "running" : wish === "pause" ? "pausing" : "cancelling";
  if (isFinished) return "finished";
  if (wish === "cancel") return "cancelled";
  if (wish === "pause") return "paused";
  return queued === "failed" ? "failed" : "waiting";
}

const doneAlready: Record<WishKind, ReadonlySet<RunState>> = {
  train: new Set(["waiting", "running"]),
  pause: new Set(["paused", "pausing"]),
  cancel: new Set(["cancelled", "cancelling"]),
};
const possible: Record<WishKind, ReadonlySet<RunState>> = {
  train: new Set(["paused", "pausing", "failed", "stopped"]),
  pause: new Set(["waiting", "running"]),
  cancel: new Set(["waiting", "running", "failed", "paused", "pausing", "stopped"]),
};
const words: Record<WishKind, string> = { train: "resumed", pause: "paused", cancel: "cancelled" };

/**
 * Whether a wish changes anything for a run in this state.
 * @returns false where it is already so
 * @throws UserError "run_is_STATE" where it can't be
 */
export function wishApplies(run: string, state: RunState, wish: WishKind): boolean {
  if (doneAlready[wish].has(state)) return false;
  if (possible[wish].has(state)) return true;
  throw new UserError(`run_is_${state}`, `The run "${run}" is ${state}: it can't be ${words[wish]}`, {
    hint: `\`pairloom jobs clone ${run}\` starts another with the same settings, or with changed ones.`,
  });
}

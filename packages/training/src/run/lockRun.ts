import { join } from "node:path";
import { mkdir } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";
import {
  defaultLeaseMs,
  type HeldLock,
  holderName,
  type LockWait,
  runLockName,
  takeLock,
} from "@pairloom/storage/lock";

export interface LockRunOptions {
  log?: ((line: string) => void) | undefined;
  leaseMs?: number;
}

/**
 * Makes this process the only one that trains in a run folder, until the lock is given back or the process dies.
 * A holder on another machine, or in another container, is watched for one lease: a sign of life ends the attempt.
 *
 * @throws UserError "run_locked" while another process trains there
 */
export async function lockRun(
  run: string,
  { log = () => undefined, leaseMs = defaultLeaseMs }: LockRunOptions = {},
): Promise<HeldLock> {
  await mkdir(join(run, "checkpoints"), { recursive: true });
  const outcome = await takeLock(run, runLockName, {
    timeoutMs: 2 * leaseMs,
    notForLiving: true,
    thread: true, // a step holds this one
    leaseMs,
    onWait: ({ holder }) =>
      log(
        `${run} is locked by ${holderName(holder)}, which can't be looked at from here: ` +
          `waiting up to ${Math.ceil(leaseMs / 1000)} s for a sign of life`,
      ),
  });
  if (outcome.held === null) throw runLocked(run, outcome.takenBy);
  const { followed } = outcome;
  if (followed !== null) log(`warning: took over ${run} from ${holderName(followed.holder)}, which is gone`);
  return outcome.held;
}

function runLocked(run: string, { holder, path, alive }: LockWait): UserError {
  const where = holder?.host ?? null;
  return new UserError("run_locked", `${run} is locked by ${holderName(holder)}: it is training there`, {
    hint: alive
      ? `Wait until it ends, or stop it${where === null ? "" : ` on ${where}`}. Its lock expires by itself once it is gone.`
      : `If nothing trains there, remove ${path}.`,
  });
}

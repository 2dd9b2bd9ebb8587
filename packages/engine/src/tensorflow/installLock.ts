import { basename, dirname } from "node:path";
import { UserError } from "@pairloom/config/errors";
import { defaultLeaseMs, type HeldLock, holderName, takeLock } from "@pairloom/storage/lock";

export interface InstallLockOptions {
  log?: (line: string) => void;
  leaseMs?: number;
}

/**
 * Runs `work` while no other process installs into the same folder. The lock of a process that is gone is taken over.
 *
 * @throws UserError "install_running"
 */
export async function withInstallLock<T>(
  folder: string,
  work: (lock: HeldLock) => Promise<T>,
  { log = () => undefined, leaseMs = defaultLeaseMs }: InstallLockOptions = {},
): Promise<T> {
  const outcome = await takeLock(dirname(folder), `${basename(folder)}.lock`, {
    timeoutMs: 2 * leaseMs,
    notForLiving: true,
    leaseMs,
    onWait: ({ holder }) =>
      log(
        `${folder} is locked by ${holderName(holder)}: waiting up to ${Math.ceil(leaseMs / 1000)} s for a sign of life`,
      ),
  });
  if (outcome.held === null) {
    const { holder, path } = outcome.takenBy;
    throw new UserError("install_running", `${folder} is being installed by ${holderName(holder)}`, {
      hint: `Wait until it is done. If no such process runs, delete ${path}.`,
    });
  }
  try {
    return await work(outcome.held);
  } finally {
    await outcome.held.release();
  }
}

import type { HeldLock } from "./heldLock.js";
import { holderName } from "./lockHolder.js";
import { defaultLeaseMs, takeLock } from "./takeLock.js";

/**
 * Runs `work` while no other process (or call) runs under the same folder's lock.
 * @throws Error when the lock stays taken for `timeoutMs`
 */
export async function withFolderLock<T>(
  folder: string,
  work: (lock: HeldLock) => Promise<T>,
  { timeoutMs = 600_000, leaseMs = defaultLeaseMs }: { timeoutMs?: number; leaseMs?: number } = {},
): Promise<T> {
  const outcome = await takeLock(folder, "lock", { timeoutMs, leaseMs });
  if (outcome.held === null) {
    const { holder, path } = outcome.takenBy;
    throw new Error(
      `The lock of ${folder} was not free for ${Math.round(timeoutMs / 1000)} seconds: ${holderName(holder)} has it (${path})`,
    );
  }
  try {
    return await work(outcome.held);
  } finally {
    await outcome.held.release();
  }
}

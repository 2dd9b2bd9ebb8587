import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LockWatch } from "@pairloom/storage/lock";
import { takeLock } from "@pairloom/storage/lock";

/** A device of this machine (or another thing that one process may have at a time), held for this process and for the training that it starts. */
export interface DeviceHold {
  /** Says which process computes on the device now: it may outlive this one by a moment. */
  use(pid: number): void;
  /** Aborted where another took it, since this process stood still for longer than a lease. */
  readonly lost: AbortSignal;
  /** Gives it back; a training that still writes its last checkpoint keeps it until its end. */
  release(): Promise<void>;
}

export interface DeviceLockOptions {
  leaseMs?: number;
  /** Of a caller that asks again and again: how long a holder in another container has shown no sign of life. */
  watch?: LockWatch;
}

/** One folder for all projects of a user on this machine: a device is the machine's, not a project's. */
const lockFolder = () => join(tmpdir(), `pairloom-devices-${process.getuid?.() ?? "user"}`);

/**
 * Holds a device unless a living process does. Killed ones (`kill -9`) lose it at once, one that is stopped for an hour keeps
 * it. A process of another container that shares the folder keeps it by its heartbeat.
 *
 * @returns null while others hold it
 */
export async function holdDevice(
  device: string,
  folder = lockFolder(),
  options: DeviceLockOptions = {},
): Promise<DeviceHold | null> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = `${createHash("sha256").update(device).digest("hex").slice(0, 16)}.json`;
  const { held } = await takeLock(folder, name, { timeoutMs: 0, ...options });
  if (held === null) return null;
  return { lost: held.lost, use: (pid) => held.shareWith(pid), release: () => held.release() };
}

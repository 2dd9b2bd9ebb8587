import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  identify,
  isAlive,
  ownIdentity,
  type ProcessIdentity,
  processSpace,
  withFolderLock,
} from "@pairloom/queue";

/** A device of this machine (or another thing that one process may have at a time), held for this process and for the training that it starts. */
export interface DeviceHold {
  /** Says which process computes on the device now: it may outlive this one by a moment. */
  use(pid: number): Promise<void>;
  /** Gives it back; a training that still writes its last checkpoint keeps it until its end. */
  release(): Promise<void>;
}

interface Holders {
  space: string;
  processes: ProcessIdentity[];
}

/** One folder for all projects of a user on this machine: a device is the machine's, not a project's. */
const lockFolder = () => join(tmpdir(), `pairloom-devices-${process.getuid?.() ?? "user"}`);

/**
 * Holds a device unless a living process does. It belongs to processes, not to a clock: killed ones (`kill -9`) lose it at
 * once, one that is stopped for an hour keeps it.
 *
 * @returns null while others hold it
 */
export async function holdDevice(device: string, folder = lockFolder()): Promise<DeviceHold | null> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, `${createHash("sha256").update(device).digest("hex").slice(0, 16)}.json`);
  const write = async (processes: ProcessIdentity[]) => {
    const beside = `${path}.${process.pid}`;
    await writeFile(beside, JSON.stringify({ space: processSpace(), processes } satisfies Holders));
    await rename(beside, path);
  };
  return withFolderLock(folder, async () => {
    if (await isHeld(path)) return null;
    let child: ProcessIdentity | null = null;
    await write([ownIdentity()]);
    return {
      use: async (pid) => {
        child = identify(pid);
        if (child !== null) await withFolderLock(folder, () => write([ownIdentity(), child!]));
      },
      release: () =>
        withFolderLock(folder, async () => {
          if (child !== null && isAlive(child)) await write([child]);
          else await rm(path, { force: true });
        }),
    };
  });
}

async function isHeld(path: string): Promise<boolean> {
  let holders: Holders;
  try {
    holders = JSON.parse(await readFile(path, "utf8")) as Holders;
  } catch {
    return false; // free
  }
  const [boot, processNames] = holders.space.split("/pid:");
  const [ownBoot, ownNames] = processSpace().split("/pid:");
  if (boot !== ownBoot) return false; // of before the machine was started
  if (processNames !== ownNames) return true; // of another container: it can't be looked at from here
  return holders.processes.some(isAlive);
}

import { workerData } from "node:worker_threads";
import { beat, LeaseClock } from "./leaseClock.js";
import { LockFiles } from "./lockFiles.js";

export interface HeartbeatThreadData {
  folder: string;
  base: string;
  leaseMs: number;
  memory: SharedArrayBuffer;
}

// Renews a lock's file while the holder's own thread is in a computation for longer than a lease.
const { folder, base, leaseMs, memory } = workerData as HeartbeatThreadData;
const files = new LockFiles(folder, base);
const clock = new LeaseClock(leaseMs, memory);
setInterval(() => beat(files, clock), leaseMs / 6);

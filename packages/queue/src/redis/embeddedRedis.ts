import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DiskFullError, isDiskFull, UserError } from "@pairloom/config/errors";
import { isAlive, withFolderLock } from "@pairloom/storage/lock";
import { askServer, pingServer, serverFolder } from "./askServer.js";
import type { ServerProgram } from "./findServer.js";
import {
  isRunning,
  readServerRecord,
  removeServerRecord,
  runningServer,
  writeServerRecord,
  type ServerRecord,
} from "./serverRecord.js";
import { newSocketPath, removeSocketFolder, restoreSocketFolder } from "./socketFolder.js";
import { diedOfFullDisk, startServer } from "./startServer.js";
import { countLeases, endLease, takeLease } from "./userLeases.js";

export interface EmbeddedRedisOptions {
  /** The server's program, looked for only when one has to be started. */
  findProgram: () => Promise<ServerProgram>;
  log: (message: string) => void;
  onTrouble: (error: UserError) => void;
  temporaryFolder?: string | undefined;
  /** How long a server stays whose last user was killed. */
  graceSeconds?: number | undefined;
}

/** This process's share in a folder's server. */
export interface EmbeddedRedis {
  readonly socketPath: string;
  /** Finds the server dead and starts it again, unless another process was quicker. */
  revive(): Promise<void>;
  /** Gives the share back; with the last one the server stops. */
  release(): Promise<void>;
}

/** Joins the server whose data lie in `<dir>/redis`, or starts it. @throws UserError */
export async function joinEmbeddedRedis(dir: string, options: EmbeddedRedisOptions): Promise<EmbeddedRedis> {
  await mkdir(join(dir, "redis"), { recursive: true });
  const folder = await realpath(join(dir, "redis"));
  const lease = await takeLease(folder);
  let socketPath: string;
  try {
    socketPath = await withFolderLock(folder, () => ensureServer(folder, options));
  } catch (error) {
    await endLease(lease);
    throw error;
  }
  return {
    socketPath,
    async revive() {
      if ((await pingServer(socketPath)) === "ready") return;
      await withFolderLock(folder, () => ensureServer(folder, options));
    },
    async release() {
      try {
        await withFolderLock(folder, async () => {
          await endLease(lease);
          if ((await countLeases(folder)) === 0) await stopServer(folder);
        });
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        // No room for a lock: the server ends by itself once it is without users.
        await endLease(lease);
      }
    },
  };
}

/** How long a server that runs may not be reachable before it is ended. */
const patienceMs = 2000;

/** Under the folder's lock: its server answers at the returned socket. */
async function ensureServer(folder: string, options: EmbeddedRedisOptions): Promise<string> {
  for (let tries = 0; ; tries += 1) {
    const record = await readServerRecord(folder);
    if (record !== null && (await answers(folder, record))) {
      await identifyServer(folder, record);
      return record.socketPath;
    }
    if (record !== null) await endDeafServer(record);
    // Processes that use the old socket's path wait for the server there: keep it.
    const keep = record !== null && (await restoreSocketFolder(record.socketPath));
    const socketPath = keep ? record.socketPath : await newSocketPath(options.temporaryFolder);
    const program = await options.findProgram();
    await writeServerRecord(folder, { socketPath, process: null });
    if (record !== null) {
      options.log("Redis was not running any more: starting it again");
      if (await diedOfFullDisk(join(folder, "redis.log"))) options.onTrouble(new DiskFullError(folder));
    }
    const outcome = await startServer(folder, socketPath, program, options.graceSeconds ?? 5);
    if (outcome === "started") continue;
    // A server that is on its way out, or the process that writes its file anew after it was killed.
    if (tries >= 100) {
      throw new UserError("redis_folder_in_use", `Another Redis holds the data in ${folder}`, {
        hint: "It was started elsewhere (in another container?). Stop it, or let all share one server by REDIS_URL.",
      });
    }
    await sleep(300);
  }
}

async function answers(folder: string, record: ServerRecord): Promise<boolean> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const state = await pingServer(record.socketPath);
    if (state === "ready") return (await serverFolder(record.socketPath)) === folder;
    const isThere = isRunning(record) || (await runningServer(folder)) !== null;
    const patient = state === "loading" || (isThere && Date.now() < deadline);
    if (!patient) return false;
    await sleep(50);
  }
}

async function identifyServer(folder: string, record: ServerRecord): Promise<void> {
  const process = await runningServer(folder);
  if (process !== null && process.pid !== record.process?.pid) {
    await writeServerRecord(folder, { ...record, process });
  }
}

/** Alive, but not to be reached (its socket was removed): it must go before another can take its place. */
async function endDeafServer(record: ServerRecord): Promise<void> {
  if (record.process === null) return;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    for (let waited = 0; waited < 5000 && isAlive(record.process); waited += 50) {
      if (waited === 0) process.kill(record.process.pid, signal);
      await sleep(50);
    }
  }
}

async function stopServer(folder: string): Promise<void> {
  const record = await readServerRecord(folder);
  if (record === null) return;
  if ((await pingServer(record.socketPath)) !== null && (await serverFolder(record.socketPath)) === folder) {
    await askServer(record.socketPath, "SHUTDOWN NOSAVE", 30_000).catch(() => undefined);
    for (let waited = 0; waited < 30_000 && isRunning(record); waited += 10) await sleep(10);
    await removeSocketFolder(record.socketPath);
  }
  await removeServerRecord(folder);
}

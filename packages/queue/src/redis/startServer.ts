import { spawn } from "node:child_process";
import { open, readFile, stat, statfs, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DiskFullError, UserError } from "@pairloom/config/errors";
import { pingServer } from "./askServer.js";
import type { ServerProgram } from "./findServer.js";
import { serverConfig } from "./serverConfig.js";
import { serverScript } from "./serverScript.js";

const maxLogBytes = 1_000_000;
/** The script's exit status where another server holds the folder. */
const heldByAnother = 75;

/**
 * Starts a server on a folder and waits until it answers. The server is nobody's child: it outlives this process and
 * ends by itself when no user is left. The caller holds the folder's lock.
 * @returns "held" where another server still (or from another container) holds the folder's data
 * @throws UserError with the end of the server's log where it doesn't come up
 */
export async function startServer(
  folder: string,
  socketPath: string,
  program: ServerProgram,
  graceSeconds: number,
): Promise<"started" | "held"> {
  const config = join(folder, "redis.conf");
  await writeFile(config, serverConfig(folder, socketPath));
  const logPath = join(folder, "redis.log");
  const logSize = (await stat(logPath).catch(() => null))?.size ?? 0;
  const log = await open(logPath, logSize > maxLogBytes ? "w" : "a");
  let exitStatus: number | null = null;
  let spawnError: Error | null = null;
  try {
    const child = spawn(
      "/bin/sh",
      [
        "-c",
        serverScript,
        "pairloom-redis",
        folder,
        program.path,
        config,
        String(graceSeconds),
        dirname(socketPath),
      ],
      {
        detached: true,
        stdio: ["ignore", log.fd, log.fd],
        cwd: folder,
        env: {
          PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
          LC_ALL: "C",
          ...(program.libraryPath === null ? {} : { LD_LIBRARY_PATH: program.libraryPath }),
        },
      },
    );
    child.on("exit", (status) => (exitStatus = status ?? -1));
    child.on("error", (error) => (spawnError = error));
    child.unref();
  } finally {
    await log.close();
  }
  const deadline = Date.now() + 30_000;
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 1.5, 200)) {
    await sleep(waitMs);
    const state = await pingServer(socketPath);
    if (state === "ready") return "started";
    if (exitStatus === heldByAnother) return "held";
    const isLate = state === null && Date.now() > deadline;
    if (exitStatus !== null || spawnError !== null || isLate) {
      throw await failure(logPath, program, spawnError);
    }
  }
}

async function failure(logPath: string, program: ServerProgram, cause: unknown): Promise<UserError> {
  if (await diedOfFullDisk(logPath)) return new DiskFullError(logPath, cause);
  const lines = await lastLines(logPath);
  return new UserError("redis_not_started", `${program.path} did not start:\n${lines.join("\n")}`, {
    hint: `Its whole log is ${logPath}. Mend what it says, or set REDIS_URL to a server of your own.`,
    cause,
  });
}

/**
 * With appendfsync always a server that cannot write its file ends itself: it says so in its last lines, unless there was
 * no room for these either.
 */
export async function diedOfFullDisk(logPath: string): Promise<boolean> {
  const said = (await lastLines(logPath)).some((line) =>
    /No space left on device|Disk quota exceeded|Short write while writing to the AOF/.test(line),
  );
  return said || (await freeBytes(dirname(logPath))) < tooFewBytes;
}

/** A server that has no more than this cannot go on for long, whatever it died of. */
const tooFewBytes = 1 << 16;

async function freeBytes(folder: string): Promise<number> {
  const found = await statfs(folder).catch(() => null);
  return found === null ? Infinity : found.bavail * found.bsize;
}

async function lastLines(logPath: string): Promise<string[]> {
  return (await readFile(logPath, "utf8").catch(() => "")).trimEnd().split("\n").slice(-8);
}

import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { identify, isAlive, type ProcessIdentity } from "@pairloom/storage/lock";

const recordSchema = z.object({
  folder: z.string(),
  socketPath: z.string(),
  pid: z.number().nullable(),
  ticks: z.string().nullable(),
});

/** `FOLDER/server.json`: where the folder's server listens, and who it is (null until it first answered). */
export interface ServerRecord {
  socketPath: string;
  process: ProcessIdentity | null;
}

/** Null where there is none, or where it came with a copy and speaks of the original's server. */
export async function readServerRecord(folder: string): Promise<ServerRecord | null> {
  try {
    const parsed = recordSchema.parse(JSON.parse(await readFile(join(folder, "server.json"), "utf8")));
    const { socketPath, pid, ticks } = parsed;
    if (parsed.folder !== folder) return null;
    return { socketPath, process: pid === null || ticks === null ? null : { pid, ticks } };
  } catch {
    return null;
  }
}

export async function writeServerRecord(folder: string, record: ServerRecord): Promise<void> {
  const path = join(folder, "server.json");
  const { socketPath, process } = record;
  const text = JSON.stringify({
    folder,
    socketPath,
    pid: process?.pid ?? null,
    ticks: process?.ticks ?? null,
  });
  await writeFile(`${path}.new`, `${text}\n`);
  await rename(`${path}.new`, path);
}

export async function removeServerRecord(folder: string): Promise<void> {
  await rm(join(folder, "server.json"), { force: true });
  await rm(join(folder, "server.pid"), { force: true });
}

/** The server's process by the number that its script wrote. */
export async function runningServer(folder: string): Promise<ProcessIdentity | null> {
  const text = await readFile(join(folder, "server.pid"), "utf8").catch(() => "");
  return /^\d+\s*$/.test(text) ? identify(Number(text)) : null;
}

export function isRunning(record: ServerRecord): boolean {
  return record.process !== null && isAlive(record.process);
}

import { hostname } from "node:os";
import { isAlive, ownIdentity, type ProcessIdentity, processSpace } from "./processIdentity.js";

/** Who holds a lock, as the lock's file says. */
export interface LockHolder {
  /** Null where the file does not say. */
  host: string | null;
  /** Where its process numbers mean something; null in files of older versions that only name the host. */
  space: string | null;
  /** The holder, and processes that may outlive it and keep the lock to their end. */
  processes: ProcessIdentity[];
  /** ISO time; null in files of older versions. Their holders do not renew the file. */
  since: string | null;
}

export const ownHolder = (): LockHolder => ({
  host: hostname(),
  space: processSpace(),
  processes: [ownIdentity()],
  since: new Date().toISOString(),
});

/** `pid` and `ticks` stand in the first level as well, where older versions look for them. */
export function holderText({ processes, ...holder }: LockHolder): string {
  return `${JSON.stringify({ ...holder, ...processes[0], processes })}\n`;
}

/**
 * What the text of a lock's file says: this version's JSON, or one of the three forms of older versions
 * (JSON with `pid` or `processes`, "host pid start", "pid"). Null where it is none of these.
 */
export function parseHolder(text: string): LockHolder | null {
  const plain = /^(?:(?<host>\S+) )?(?<pid>\d+)(?: (?<ticks>\d+|\?))?\s*$/.exec(text)?.groups;
  if (plain !== undefined) {
    const ticks = plain["ticks"] === undefined || plain["ticks"] === "?" ? "0" : plain["ticks"];
    const processes = [{ pid: Number(plain["pid"]), ticks }];
    return { host: plain["host"] ?? null, space: null, processes, since: null };
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const record = value as Record<string, unknown>;
  const listed: unknown[] = Array.isArray(record["processes"]) ? record["processes"] : [record];
  const processes = listed.filter(isIdentity).map(({ pid, ticks }) => ({ pid, ticks }));
  if (processes.length === 0 || typeof record["space"] !== "string") return null;
  return {
    host: typeof record["host"] === "string" ? record["host"] : null,
    space: record["space"],
    processes,
    since: typeof record["since"] === "string" ? record["since"] : null,
  };
}

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== "object" || value === null) return false;
  const { pid, ticks } = value as Partial<Record<keyof ProcessIdentity, unknown>>;
  return Number.isSafeInteger(pid) && (pid as number) > 0 && typeof ticks === "string";
}

/**
 * What can be said of a holder at one look: processes of this machine and container are alive or dead. Of others, and where
 * the system does not say when a process began (its number may belong to another by now), only a heartbeat can tell.
 */
export function judgeHolder({ host, space, processes, since }: LockHolder): "alive" | "dead" | "unknown" {
  const isHere = space === null ? host === null || host === hostname() : space === processSpace();
  if (!isHere) return "unknown";
  const living = processes.filter(isAlive);
  if (living.length === 0) return "dead";
  return since === null || living.some(({ ticks }) => ticks !== "0") ? "alive" : "unknown";
}

/** "process 71 on host build-3, since 2026-11-05T20:11:00.000Z" */
export function holderName(holder: LockHolder | null): string {
  if (holder === null) return "a process that left no name";
  const { host, processes, since } = holder;
  const where = host === null ? "" : ` on host ${host}`;
  return `process ${processes[0]!.pid}${where}${since === null ? "" : `, since ${since}`}`;
}

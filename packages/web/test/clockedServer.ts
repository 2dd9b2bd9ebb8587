import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A request as the server saw it. */
export interface Seen {
  host: string;
  address: string;
  path: string;
  /** When it was read, in ms. */
  atMs: number;
  /** How long before that it may have come. */
  lateMs: number;
}

export interface ClockedServer {
  port: number;
  /** Everything that was asked so far. */
  log(): Promise<Seen[]>;
  close(): void;
}

/** Starts clockedServer.mjs. */
export async function clockedServer(): Promise<ClockedServer> {
  const child = fork(join(import.meta.dirname, "clockedServer.mjs"));
  const [port] = (await once(child, "message")) as [number];
  return {
    port,
    async log() {
      child.send("log");
      const [log] = (await once(child, "message")) as [Seen[]];
      return log;
    },
    close: () => child.disconnect(),
  };
}

export interface Gaps {
  requests: number;
  /** The shortest time that can have lain between two requests: the first may have come sooner than it was read. */
  shortestMs: number;
  /** Half of the times between requests, as read, are at least so long. */
  medianMs: number;
}

/**
 * How long the machine has kept the server from running at a time. It does that to those who ask as well, between their
 * leave and their request: no clock can make up for it.
 */
export const longestStallMs = (log: readonly Seen[]): number => Math.max(...log.map(({ lateMs }) => lateMs));

/** The times between requests, by host or address. */
export function gapsBy(log: readonly Seen[], by: "host" | "address"): Map<string, Gaps> {
  const groups = new Map<string, Seen[]>();
  for (const seen of log) groups.set(seen[by], [...(groups.get(seen[by]) ?? []), seen]);
  const gapsOf = (all: Seen[]): Gaps => {
    const pairs = all.slice(1).map((next, i) => ({ first: all[i]!, next }));
    const asRead = pairs.map(({ first, next }) => next.atMs - first.atMs).sort((a, b) => a - b);
    return {
      requests: all.length,
      shortestMs: Math.min(...pairs.map(({ first, next }) => next.atMs - first.atMs + first.lateMs)),
      medianMs: asRead[Math.floor(asRead.length / 2)] ?? Infinity,
    };
  };
  return new Map([...groups].map(([key, all]) => [key, gapsOf(all)]));
}

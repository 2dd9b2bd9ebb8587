import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";

/** A process that can be told from a later one with the same number. */
export interface ProcessIdentity {
  pid: number;
  /** When it started, in clock ticks since boot (field 22 of /proc/PID/stat); "0" where there is no /proc. */
  ticks: string;
}

/** The start of a living process in ticks; "0" where that cannot be known; null for one that is gone (or a zombie). */
function startTicks(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The command's name is in brackets and may hold anything; the fields after it are plain.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? "0");
  } catch {
    try {
      readFileSync("/proc/self/stat");
      return null;
    } catch {
      // No /proc here (macOS): ask by signal 0.
    }
  }
  try {
    process.kill(pid, 0);
    return "0";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM" ? "0" : null;
  }
}

/** Who a process is, or null where none has this number. */
export function identify(pid: number): ProcessIdentity | null {
  const ticks = startTicks(pid);
  return ticks === null ? null : { pid, ticks };
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return identify(process.pid) ?? { pid: process.pid, ticks: "0" };
}

/** Whether this very process lives. Of one whose start is not known only the number is looked at. */
export function isAlive({ pid, ticks }: ProcessIdentity): boolean {
  const now = startTicks(pid);
  return now !== null && (ticks === "0" || now === "0" || now === ticks);
}

/** Names this boot of this machine; empty where the system doesn't say. */
export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}

/** Names the process namespace (a container has one of its own); empty where the system doesn't say. */
export function processNamespace(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}

/** The range in which process numbers mean something: this boot of this machine, this process namespace. */
export function processSpace(): string {
  const boot = bootId();
  const namespace = processNamespace();
  return boot === "" || namespace === "" ? hostname() : `${boot}/${namespace}`;
}

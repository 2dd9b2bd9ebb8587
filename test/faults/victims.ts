import { readdir, readFile } from "node:fs/promises";

export interface Victim {
  name: string;
  pid: number;
}

/** The processes of a project that runs on this machine: its services, its Redis and `up` itself (Linux: /proc). */
export async function victimsOf(dir: string, up: number | undefined): Promise<Victim[]> {
  const victims: Victim[] = [];
  for (const entry of await readdir("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const line = await readFile(`/proc/${entry}/cmdline`, "utf8").catch(() => "");
    const args = line.split("\0");
    const worker = args.indexOf("worker");
    if (worker > 0 && args.includes(dir)) victims.push({ name: args[worker + 1] ?? "worker", pid });
    else if (
      /(redis|valkey)-server/.test(args[0] ?? "") &&
      (await readFile(`/proc/${entry}/environ`, "utf8").catch(() => "")).includes(dir)
    )
      victims.push({ name: "redis", pid });
    else if (/(redis|valkey)-server/.test(args[0] ?? "") && (await workingFolder(entry)).startsWith(dir))
      victims.push({ name: "redis", pid });
  }
  if (up !== undefined) victims.push({ name: "up", pid: up });
  return victims;
}

async function workingFolder(pid: string): Promise<string> {
  const { readlink } = await import("node:fs/promises");
  return readlink(`/proc/${pid}/cwd`).catch(() => "");
}

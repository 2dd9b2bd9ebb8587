import { existsSync, readFileSync } from "node:fs";

const taskset = "/usr/bin/taskset";

/** The numbers of the cores that this process may use; empty where that isn't known. */
export function allowedCores(): number[] {
  if (process.platform !== "linux" || !existsSync(taskset)) return [];
  const list = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  return parseCores(list);
}

/** "0-2,5" → [0, 1, 2, 5]. */
export function parseCores(list: string): number[] {
  return list.split(",").flatMap((part) => {
    const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
    if (from === undefined) return [];
    const first = Number(from);
    return Array.from({ length: Number(to) - first + 1 }, (_, at) => first + at);
  });
}

/**
 * A command that runs on one core alone. libvips hands every strip of a picture from thread to thread: from core to core
 * that takes 5 % of a picture's time (bench/fetch/README.md).
 * @param core null: wherever the system likes
 */
export function onOneCore(core: number | null, command: string, args: string[]): [string, string[]] {
  return core === null ? [command, args] : [taskset, ["--cpu-list", String(core), command, ...args]];
}

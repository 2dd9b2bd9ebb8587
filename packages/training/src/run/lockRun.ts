import { mkdir, open, readFile, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { UserError } from "@pairloom/config/errors";

/**
 * Makes this process the only one that trains in a run folder, until the returned function is called or the process dies.
 *
 * @throws UserError "run_locked" while another process trains there
 */
export async function lockRun(run: string): Promise<() => Promise<void>> {
  await mkdir(join(run, "checkpoints"), { recursive: true });
  const path = join(run, "run.lock");
  const own = `${hostname()} ${process.pid} ${startOf(process.pid) ?? "?"}`;
  for (let attempt = 0; ; attempt++) {
    try {
      const handle = await open(path, "wx");
      await handle.writeFile(own);
      await handle.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = await readFile(path, "utf8").catch(() => "");
    const [host = "", pid = "", start = ""] = holder.split(" ");
    const elsewhere = host !== "" && host !== hostname();
    if (attempt > 2 || elsewhere || (pid !== "" && isAlive(Number(pid), start))) {
      throw new UserError("run_locked", `Process ${pid} on ${host} is training in ${run}`, {
        hint: `Stop it first; if it is gone, remove ${path}.`,
      });
    }
    await rm(path, { force: true });
  }
}

function isAlive(pid: number, start: string): boolean {
  const now = startOf(pid);
  if (now !== null) return now === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** When a process began, in ticks since boot; null where there is no /proc or no such process. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

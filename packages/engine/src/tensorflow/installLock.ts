import { readFile, rm, writeFile } from "node:fs/promises";
import { UserError } from "@pairloom/config/errors";

/** Runs `work` while no other process installs into the same folder. A lock whose process is gone is taken over. */
export async function withInstallLock<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const lock = `${folder}.lock`;
  for (let attempt = 0; ; attempt++) {
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      const holder = Number(await readFile(lock, "utf8").catch(() => ""));
      if (attempt > 0 || isAlive(holder))
        throw new UserError(
          "install_running",
          `Process ${String(holder)} is installing into ${folder} already`,
          {
            hint: `Wait until it is done. If no such process runs, delete ${lock}.`,
          },
        );
      await rm(lock, { force: true });
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

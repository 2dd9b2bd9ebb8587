import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SpawnTraining, TrainingEnd } from "@pairloom/service-trainer";
import { deviceEnvironment } from "../project/trainingDevices.js";
import { withPaths } from "../project/trainingPaths.js";

const launcher = fileURLToPath(new URL("../../bin/pairloom.js", import.meta.url));

/**
 * `pairloom train` in a child process; an abort asks it to write a checkpoint and end. What it says goes to the run's `log.txt`
 * and its result to `result.json`, not through this process: a training that outlives a killed trainer by its last checkpoint
 * has somewhere to write.
 *
 * @param dir the project's folder
 */
export const spawnTraining =
  (dir: string): SpawnTraining =>
  async ({ job, folder, onStart }, signal) => {
    const log = await open(join(folder, "log.txt"), "a");
    const resultPath = join(folder, "result.json");
    const result = await open(resultPath, "w");
    try {
      const child = spawn(
        process.execPath,
        [
          launcher,
          "train",
          "--json",
          "--resume",
          "--out",
          folder,
          ...trainArguments(withPaths(dir, job.settings)),
        ],
        {
          stdio: ["ignore", result.fd, log.fd, "ipc"],
          env: { ...process.env, ...deviceEnvironment(job.device), PAIRLOOM_NO_BUILD: "1" },
        },
      );
      if (child.pid !== undefined) onStart(child.pid);
      const ask = () => void child.kill("SIGTERM");
      signal.addEventListener("abort", ask, { once: true });
      if (signal.aborted) ask();
      const [exitCode, by] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, name) => resolve([code, name]));
      });
      signal.removeEventListener("abort", ask);
      return { exitCode, signal: by, ...(await readResult(resultPath)) };
    } finally {
      await log.close();
      await result.close();
    }
  };

/** The object that `pairloom train --json` ends with: its result, or its error. */
async function readResult(path: string): Promise<Pick<TrainingEnd, "status" | "error">> {
  const line = (await readFile(path, "utf8")).trimEnd().split("\n").at(-1) ?? "";
  try {
    const { status = null, error = null } = JSON.parse(line) as Partial<TrainingEnd>;
    return { status, error };
  } catch {
    return { status: null, error: null }; // killed before it could say anything
  }
}

/** {data: "d", lr: 0.1} → ["--data", "d", "--set", "lr=0.1"]: any setting can be given, whether it has an option or not. */
export function trainArguments({ data, ...settings }: Readonly<Record<string, unknown>>): string[] {
  if (typeof data !== "string") throw new TypeError("A training's settings name its data");
  return [
    "--data",
    data,
    ...Object.entries(settings).flatMap(([name, value]) =>
      value === undefined ? [] : ["--set", `${name}=${JSON.stringify(value)}`],
    ),
  ];
}

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { SpawnTraining } from "@pairloom/service-trainer";

const launcher = fileURLToPath(new URL("../../bin/pairloom.js", import.meta.url));

/** `pairloom train` in a child process; an abort asks it to write a checkpoint and end. */
export const spawnTraining: SpawnTraining = ({ folder, settings }, signal) =>
  new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [launcher, "train", "--out", folder, "--resume", ...trainArguments(settings)],
      {
        stdio: ["ignore", "ignore", "pipe", "ipc"],
        env: { ...process.env, PAIRLOOM_NO_BUILD: "1" },
      },
    );
    let message = "";
    if (child.stderr !== null)
      createInterface({ input: child.stderr }).on("line", (line) => {
        if (line.startsWith("error:")) message = line.slice("error:".length).trim();
      });
    const ask = () => void child.kill("SIGTERM");
    signal.addEventListener("abort", ask, { once: true });
    if (signal.aborted) ask();
    child.on("error", reject);
    child.on("close", (exitCode) => {
      signal.removeEventListener("abort", ask);
      resolve({ exitCode, message });
    });
  });

/** {batchSize: 64} → ["--batch-size", "64"]: a job's settings are `pairloom train`'s options. */
export function trainArguments(settings: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const option = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === true) return [option];
    if (value === false || value === null || value === undefined) return [];
    if (typeof value !== "string" && typeof value !== "number")
      throw new TypeError(`${name} can't be an option`);
    return [option, String(value)];
  });
}

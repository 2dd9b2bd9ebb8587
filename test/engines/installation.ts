import { spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { installEngine, listEngines } from "@pairloom/engine";

/** Kept between runs: the installation fetches 280 MB. */
export const cacheDir = process.env["PAIRLOOM_CACHE"] ?? join(homedir(), ".cache", "pairloom");

/** Why the tensorflow engine can't be tested on this machine; null once it is installed. */
export async function tensorflowReason(): Promise<string | null> {
  const [tensorflow] = await listEngines({ cacheDir });
  if (tensorflow?.available === true) return null;
  for (const tool of ["python3", "g++"])
    if (spawnSync(tool, ["--version"]).status !== 0) return `${tool} is not installed`;
  try {
    await installEngine({ cacheDir, log: (line) => console.log(line) });
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

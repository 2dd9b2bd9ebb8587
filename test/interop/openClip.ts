import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The Python that has open_clip. */
export const openClipPython = process.env.PAIRLOOM_PYTORCH ?? "python3";
const probe = spawnSync(openClipPython, [
  "-c",
  "import importlib.metadata as m; m.version('open_clip_torch'), m.version('torch')",
]);

/** Why open_clip can't be asked; null where it can. */
export const openClipReason =
  probe.status === 0
    ? null
    : "needs Python with open_clip (PAIRLOOM_PYTORCH names it; `bash test/interop/environment.sh pytorch` makes one)";

export interface NamedConfig {
  readonly name: string;
  readonly config: Record<string, unknown>;
}

/** What models_reference.py beside this file says. */
export function openClip<T>(args: readonly string[], models: readonly NamedConfig[] = []): T {
  const script = fileURLToPath(new URL("models_reference.py", import.meta.url));
  const input = JSON.stringify(models);
  const run = spawnSync(openClipPython, [script, ...args], { encoding: "utf8", maxBuffer: 1e9, input });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout.trim().split("\n").at(-1)!) as T;
}

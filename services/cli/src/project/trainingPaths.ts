import { isAbsolute, relative, resolve } from "node:path";
import { isStoreUrl } from "@pairloom/storage";

/** Settings whose values are paths; those of a job count from the project's folder. */
export const pathSettings = ["data", "evaluateData", "zeroShotClasses", "initialCheckpoint"] as const;

/** A job's settings with paths as a process anywhere finds them. */
export function withPaths(dir: string, settings: Record<string, unknown>): Record<string, unknown> {
  return mapPaths(settings, (path) => resolve(dir, path));
}

/** Paths that count from `from` as paths that count from the project's folder, where they lie below it. */
export function projectPaths(
  dir: string,
  from: string,
  settings: Record<string, unknown>,
): Record<string, unknown> {
  return mapPaths(settings, (path) => {
    const below = relative(dir, resolve(from, path));
    return below.startsWith("..") || isAbsolute(below) ? resolve(from, path) : below;
  });
}

function mapPaths(settings: Record<string, unknown>, change: (path: string) => string) {
  const changed = { ...settings };
  for (const name of pathSettings) {
    const path = settings[name];
    if (typeof path === "string" && !isStoreUrl(path)) changed[name] = change(path);
  }
  const { model } = settings;
  const isPath =
    typeof model === "string" && (model.endsWith(".json") || model === settings["initialCheckpoint"]);
  if (isPath) changed["model"] = change(model);
  return changed;
}

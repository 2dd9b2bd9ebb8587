import { relative, resolve } from "node:path";
import { UserError } from "@pairloom/config";
import { machineDevices, deviceLane } from "@pairloom/service-trainer";
import { isStoreUrl } from "@pairloom/storage";
import { cacheDir } from "./environment.js";
import type { Project } from "./openProject.js";
import { pathSettings, withPaths } from "./trainingPaths.js";

/**
 * Looks at everything that a training's settings name, before it is queued.
 * @throws UserError naming the setting
 */
export async function checkLaunch(
  project: Pick<Project, "dir" | "road" | "redis">,
  settings: Record<string, unknown>,
  device: string,
): Promise<void> {
  const { checkTrainingInput } = await import("@pairloom/training");
  const { engine } = await checkTrainingInput({ ...withPaths(project.dir, settings), out: "runs" });
  await checkDevice(project, device, engine);
}

/**
 * Callers from outside this machine name files of the project alone, and what lies on S3.
 * @throws UserError "path_outside"
 */
export async function checkPathsInside(dir: string, settings: Record<string, unknown>): Promise<void> {
  const { isKnownModel } = await import("@pairloom/clip");
  const { model } = settings;
  const names =
    typeof model === "string" && !(await isKnownModel(model)) ? ["model", ...pathSettings] : pathSettings;
  for (const name of names) {
    const path = settings[name];
    if (typeof path !== "string" || path.startsWith("s3://")) continue;
    const below = relative(dir, resolve(dir, path));
    if (!isStoreUrl(path) && !/^\.\.([\\/]|$)/.test(below) && !path.includes("\0")) continue;
    throw new UserError(
      "path_outside",
      `Training setting \`${name}\`: ${JSON.stringify(path.slice(0, 200))} lies outside the project`,
      {
        hint: "Copy or link it into the project's folder, or launch by `pairloom jobs launch` on this machine.",
      },
    );
  }
}

/** Engines by the devices that they compute on. */
const enginesOf: Readonly<Record<string, readonly string[]>> = {
  cpu: ["auto", "wasm", "tensorflow"],
  gpu: ["auto", "tensorflow"],
  webgpu: ["webgpu"],
};

async function checkDevice(
  { road, redis }: Pick<Project, "road" | "redis">,
  device: string,
  engine: "auto" | "wasm" | "tensorflow" | "webgpu",
): Promise<void> {
  const kind = device.split(":")[0]!;
  if (enginesOf[kind]?.includes(engine) !== true)
    throw new UserError(
      "device_invalid",
      `Training setting \`device\`: ${engine} doesn't compute on ${device}`,
      {
        hint: `On ${kind}: ${enginesOf[kind]?.join(", ") ?? "nothing"}.`,
      },
    );
  const here = await machineDevices();
  if (!here.includes(device) && !(await road.isServed("trainer", deviceLane(device))))
    throw new UserError(
      "device_invalid",
      `Training setting \`device\`: this machine has no ${device}, and no trainer that runs now`,
      { hint: `Here: ${here.join(", ")}. Start the trainer of the machine that has it first.` },
    );
  // trainers of a shared Redis may be on other machines, with other engines
  if (engine === "auto" || redis.kind === "url") return;
  const { engineStatus } = await import("@pairloom/engine");
  const { available, why } = await engineStatus(engine, { cacheDir: cacheDir() });
  if (!available)
    throw new UserError(
      "engine_unavailable",
      `Training setting \`engine\`: ${engine} is not available here`,
      {
        hint: why ?? "`pairloom engine list` shows the engines.",
      },
    );
}

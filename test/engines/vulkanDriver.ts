import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { EngineStatus } from "@pairloom/engine";

/** The webgpu engine's status in a process of its own: a process asks its drivers once. */
export function webgpuStatusIn(env: NodeJS.ProcessEnv): EngineStatus {
  const code = `
    import { listEngines } from "@pairloom/engine";
    const statuses = await listEngines();
    console.log(JSON.stringify(statuses.find(({ name }) => name === "webgpu")));`;
  const options = { cwd: import.meta.dirname, encoding: "utf8", env } as const;
  const result = spawnSync(process.execPath, ["--input-type=module", "-e", code], options);
  if (result.status !== 0) throw new Error(result.stderr.slice(-2000));
  return JSON.parse(result.stdout) as EngineStatus;
}

/**
 * Why the webgpu engine can't be tested on this machine; null if it can. Where no adapter is found, this process and its
 * children are given Mesa's lavapipe.
 */
export function webgpuReason(): string | null {
  if (webgpuStatusIn(process.env).available) return null;
  const script = join(import.meta.dirname, "vulkanDriver.sh");
  const found = spawnSync("bash", [script], { encoding: "utf8" });
  if (found.status !== 0) return found.stderr.trim().split("\n").at(-1) ?? "no Vulkan driver";
  const env = { ...process.env, VK_DRIVER_FILES: found.stdout.trim() };
  const { available, why } = webgpuStatusIn(env);
  if (!available) return why;
  process.env["VK_DRIVER_FILES"] = env.VK_DRIVER_FILES;
  return null;
}

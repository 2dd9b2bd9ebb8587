import { readdir } from "node:fs/promises";

/**
 * What this machine can train on: its processors, one Vulkan or Metal device, and each NVIDIA GPU, numbered as CUDA does.
 * @param devFolder where the system lists its devices
 */
export async function machineDevices(devFolder = "/dev"): Promise<string[]> {
  const names = await readdir(devFolder).catch(() => []);
  const gpus = names.filter((name) => /^nvidia\d+$/.test(name));
  return ["cpu", "webgpu:0", ...gpus.map((_, number) => `gpu:${number}`)];
}

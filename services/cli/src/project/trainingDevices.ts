import { UserError } from "@pairloom/config";
import type { TrainingPriority } from "@pairloom/service-monitor";
import { machineDevices } from "@pairloom/service-trainer";

/** BullMQ's numbers: 1 is first. */
const priorityNumbers: Record<TrainingPriority, number> = { high: 10, normal: 100, low: 1000 };

export const priorityNumber = (name: TrainingPriority): number => priorityNumbers[name];

export function priorityName(priority: number): TrainingPriority {
  return priority < priorityNumbers.normal ? "high" : priority > priorityNumbers.normal ? "low" : "normal";
}

/**
 * What a training computes on: the device that is named, else what its engine takes here (the first GPU, where there is one).
 * @throws UserError "device_invalid"
 */
export async function trainingDevice(named: string | undefined, engine: unknown): Promise<string> {
  if (named !== undefined) {
    if (/^(cpu|gpu:\d{1,3}|webgpu:\d{1,3})$/.test(named)) return named;
    throw new UserError("device_invalid", `"${named}" is no device`, {
      hint: "Devices are cpu, gpu:0, gpu:1 …, and webgpu:0.",
    });
  }
  if (engine === "webgpu") return "webgpu:0";
  if (engine === "wasm") return "cpu";
  return (await machineDevices()).includes("gpu:0") ? "gpu:0" : "cpu";
}

/** Environment in which a process sees its device alone (CUDA's numbering). */
export function deviceEnvironment(device: string): Record<string, string> {
  const gpu = /^gpu:(\d+)$/.exec(device)?.[1];
  if (gpu !== undefined) return { CUDA_VISIBLE_DEVICES: gpu };
  return device === "cpu" ? { CUDA_VISIBLE_DEVICES: "-1" } : {};
}

import { createRequire } from "node:module";
import type { EngineStatus } from "../engine.js";
import { howToAdd } from "../howToAdd.js";
import { dawnInstalled } from "./dawn.js";
import { type Probe, probeAdapter } from "./probeAdapter.js";

/** Whether the webgpu engine works here and on which adapter; the driver is asked in a child process, once. */
export async function webgpuStatus(): Promise<EngineStatus> {
  if (!dawnInstalled()) return missing(`npm's \`webgpu\` is not installed: ${howToAdd("webgpu@0.6")}`);
  const probe = await probeAdapter();
  if (probe.status === "none") return missing(whyNone(probe.why, process.platform));
  return {
    name: "webgpu",
    available: true,
    version: `${backendVersion()} on ${probe.facts.name}`,
    why: null,
  };
}

/** Whether a real GPU is there, not a driver that computes on the CPU. */
export async function hardwareAdapter(): Promise<boolean> {
  if (!dawnInstalled()) return false;
  const probe: Probe = await probeAdapter();
  return probe.status === "found" && !probe.facts.software;
}

/** Of the npm package, read without loading it: it would register its kernels. */
export function backendVersion(): string {
  const require = createRequire(import.meta.url);
  return (require("@tensorflow/tfjs-backend-webgpu/package.json") as { version: string }).version;
}

function missing(why: string): EngineStatus {
  return { name: "webgpu", available: false, version: null, why };
}

/** What to do where no adapter was found. `said`: the driver's or the loader's own words. */
export function whyNone(said: string, platform: string): string {
  const words = said === "" ? "" : ` (it said: ${said.replace(/\.$/, "")})`;
  if (/cannot open shared object file|not found|dlopen|ERR_DLOPEN/i.test(said))
    return `npm's \`webgpu\` can't be loaded${words}: it needs glibc 2.34 and, on Linux, \`apt-get install libvulkan1\`.`;
  if (platform !== "linux") return `No GPU that WebGPU can use was found${words}.`;
  return (
    `No Vulkan adapter was found${words}. For a GPU, install its maker's Vulkan driver; to compute on the CPU, only to try: ` +
    "`apt-get install libvulkan1 mesa-vulkan-drivers` (Mesa 25, which Debian 12 has in bookworm-backports; its own 22 lacks what WebGPU needs)."
  );
}

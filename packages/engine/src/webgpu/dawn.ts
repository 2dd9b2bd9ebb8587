import { createRequire } from "node:module";

/** npm's optional `webgpu`: Dawn, Chromium's WebGPU, as a Node addon of 20 MB a platform. */
const packageName = "webgpu";

/** A GPU (or a driver that computes on the CPU) as WebGPU offers it. */
export interface Adapter extends GPUAdapter {
  readonly info: GPUAdapterInfo & { readonly isFallbackAdapter: boolean };
}

/** A started Dawn. As long as it is referenced, it may hold the process. */
export interface Dawn {
  /** The fastest adapter that a driver offers, or null. */
  requestAdapter(): Promise<Adapter | null>;
  /** `GPUBuffer`, `GPUBufferUsage` and the like, which a browser has as globals. */
  readonly globals: Readonly<Record<string, unknown>>;
  readonly gpu: GPU;
}

export function dawnInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve(packageName);
    return true;
  } catch {
    return false;
  }
}

/** Loads Dawn. @throws where the package or its binary for this platform is missing or can't be loaded */
export async function startDawn(): Promise<Dawn> {
  const { create, globals } = (await import(packageName)) as {
    create: (options: string[]) => GPU;
    globals: Record<string, unknown>;
  };
  const gpu = create([]);
  return {
    gpu,
    globals,
    requestAdapter: async () =>
      (await gpu.requestAdapter({ powerPreference: "high-performance" })) as Adapter | null,
  };
}

import { createRequire } from "node:module";
import type { EngineStatus } from "./engine.js";

/** The webgpu engine needs npm's `webgpu` package (Dawn), which the workspace does not bring yet. */
export function webgpuStatus(): EngineStatus {
  const missing = (why: string): EngineStatus => ({ name: "webgpu", available: false, version: null, why });
  try {
    createRequire(import.meta.url).resolve("webgpu");
  } catch {
    return missing(
      "npm's `webgpu` (Dawn) is not installed: `npm install webgpu @tensorflow/tfjs-backend-webgpu`.",
    );
  }
  return missing("Training on webgpu is not there yet; take tensorflow or wasm.");
}

import type { ModelConfig } from "./modelConfig.js";
import { stateShapes } from "./stateShapes.js";

/** How many numbers a model's state holds. */
export interface ModelSize {
  readonly parameters: number;
  readonly imageParameters: number;
  /** Parameters and buffers. */
  readonly numbers: number;
}

/** Counts from the shapes alone. */
export function modelSize(config: ModelConfig): ModelSize {
  let [parameters, imageParameters, numbers] = [0, 0, 0];
  for (const [key, entry] of stateShapes(config)) {
    const size = entry.shape.reduce((product, side) => product * side, 1);
    numbers += size;
    if (entry.kind !== "parameter") continue;
    parameters += size;
    if (key.startsWith("visual.")) imageParameters += size;
  }
  return { parameters, imageParameters, numbers };
}

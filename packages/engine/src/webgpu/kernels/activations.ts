import type { KernelConfig } from "@tensorflow/tfjs";
import { mapElements } from "../elementwise.js";
import { floatKernel, need } from "./floatKernel.js";

/** Abramowitz and Stegun 7.1.26: off by 1.5e-7 at most. `e` is exp(−x²). */
const erfOf = (x: string, e: string) => {
  const t = `(1.0 / (1.0 + 0.3275911 * abs(${x})))`;
  const sum = `((((1.061405429 * ${t} - 1.453152027) * ${t} + 1.421413741) * ${t} - 0.284496736) * ${t} + 0.254829592)`;
  return `(sign(${x}) * (1.0 - ${sum} * ${t} * ${e}))`;
};

const gate = "(1.0 / (1.0 + exp(-1.702 * x)))";
const bell = "exp(-0.5 * x * x)";
const below = `(0.5 + 0.5 * ${erfOf("(x * 0.7071067811865476)", bell)})`;
// beyond ±10 tanh is ±1 in float32; some drivers' tanh overflows there
const bend = "tanh(clamp(0.7978845608028654 * x * (1.0 + 0.044715 * x * x), Numbers(-10.0), Numbers(10.0)))";

/** [value, derivative] of each activation at x. */
const activations: Record<string, [string, string]> = {
  QuickGelu: [`x * ${gate}`, `${gate} * (1.0 + 1.702 * x * (1.0 - ${gate}))`],
  Gelu: [`x * ${below}`, `${below} + x * 0.3989422804014327 * ${bell}`],
  TanhGelu: [
    `0.5 * x * (1.0 + ${bend})`,
    `0.5 * (1.0 + ${bend} + x * (1.0 - ${bend} * ${bend}) * 0.7978845608028654 * (1.0 + 0.134145 * x * x))`,
  ],
};

/** Pairloom… x → y, and Pairloom…Gradient x, dy → dx, each in one pass. */
export const activationKernels: KernelConfig[] = Object.entries(activations).flatMap(
  ([name, [value, slope]]) => [
    floatKernel(`Pairloom${name}`, (backend, inputs) =>
      mapElements(backend, { key: name, inputs: { x: need(inputs, "x") }, expression: value }),
    ),
    floatKernel(`Pairloom${name}Gradient`, (backend, inputs) =>
      mapElements(backend, {
        key: `${name}Gradient`,
        inputs: { x: need(inputs, "x"), dy: need(inputs, "dy") },
        expression: `dy * (${slope})`,
      }),
    ),
  ],
);

import type { TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { runShader } from "./shader.js";

/** A function of numbers at the same place of tensors of one shape, in WGSL that holds for f32 and vec4<f32> alike. */
export interface ElementFunction {
  key: string;
  inputs: Record<string, TensorInfo>;
  /** Short tensors that the expression takes numbers of by index. */
  tables?: Record<string, TensorInfo>;
  factors?: Record<string, number>;
  /** In terms of the inputs' names and `uniforms.FACTOR`; `Numbers` is the type. */
  expression: string;
}

/** One pass over all numbers, four at a time where their count allows. The result has the first input's shape. */
export function mapElements(backend: WebGPUBackend, fn: ElementFunction): TensorInfo {
  const { inputs, tables = {}, factors = {}, expression } = fn;
  const names = Object.keys(inputs);
  const { shape } = inputs[names[0]!]!;
  const size = shape.reduce((product, side) => product * side, 1);
  const lanes = size % 4 === 0 ? 4 : 1;
  const count = size / lanes;
  const type = lanes === 4 ? "vec4<f32>" : "f32";
  const parameters = names.map((name) => `${name} : ${type}`).join(", ");
  return runShader(backend, {
    key: `map_${fn.key}`,
    inputs: Object.fromEntries(names.map((name) => [`${name}s`, inputs[name]!])),
    tables,
    counts: { count },
    factors,
    declarations: `alias Numbers = ${type};\nfn f(${parameters}) -> ${type} { return ${expression}; }`,
    code: `if (index < uniforms.count) { result[index] = f(${names.map((name) => `${name}s[index]`).join(", ")}); }`,
    output: shape,
    grid: { count },
    lanes,
  });
}

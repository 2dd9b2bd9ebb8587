import type { TensorInfo } from "@tensorflow/tfjs";
import type { WebGPUBackend, WebGPUProgram } from "@tensorflow/tfjs-backend-webgpu";

/** A compute shader for TensorFlow.js's webgpu back end: one output, up to seven inputs, each an array<f32> or array<i32>. */
export interface Shader {
  /** One code, one key: compiled shaders are kept under it. */
  key: string;
  /** The inputs under their names in the code. */
  inputs: Record<string, TensorInfo>;
  /** Inputs that are arrays of f32 or i32 whatever `lanes` is. */
  tables?: Record<string, TensorInfo>;
  /** Uniforms of type i32, as `uniforms.NAME`. */
  counts?: Record<string, number>;
  /** Uniforms of type f32. */
  factors?: Record<string, number>;
  /** Functions and workgroup variables. */
  declarations?: string;
  /** The body of `main`. `result` is the output. Not flat: `workgroupId` and `localId` say where; flat: `index`. */
  code: string;
  /** The output's shape, and its dtype if it isn't float32; or a tensor to write into. */
  output: number[] | TensorInfo;
  dtype?: "float32" | "int32";
  /** Workgroups and threads of each along x, y, z; or for how many values of `index` to run. */
  grid: { groups: [number, number, number]; threads: [number, number, number] } | { count: number };
  /** 4: float32 inputs and the output are arrays of vec4<f32>. Default 1. */
  lanes?: 1 | 4;
}

/** Threads of a workgroup where `index` counts. */
export const groupSize = 64;

/** Records the shader for the GPU. Its output is the caller's. */
export function runShader(backend: WebGPUBackend, shader: Shader): TensorInfo {
  const { inputs, tables = {}, counts = {}, factors = {}, output, grid, lanes = 1 } = shader;
  const names = [...Object.keys(inputs), ...Object.keys(tables)];
  const flat = "count" in grid;
  const shape = Array.isArray(output) ? output : output.shape;
  const program: WebGPUProgram = {
    outputShape: shape,
    variableNames: names,
    outputComponent: lanes,
    variableComponents: names.map((name) => (inputs[name]?.dtype === "float32" ? lanes : 1)),
    uniforms:
      Object.keys(counts)
        .map((name) => `${name} : i32, `)
        .join("") +
      Object.keys(factors)
        .map((name) => `${name} : f32, `)
        .join(""),
    shaderKey: `pairloom_${shader.key}_${lanes}`,
    workgroupSize: flat ? [groupSize, 1, 1] : grid.threads,
    dispatch: flat ? [Math.ceil(grid.count / groupSize), 1, 1] : grid.groups,
    // with axes along y, TensorFlow.js hands `main` no index
    dispatchLayout: flat ? { x: shape.map((_, axis) => axis) } : { x: [0], y: [1], z: [2] },
    getUserCode: () =>
      `${shader.declarations ?? ""}\nfn main(${flat ? "index : i32" : ""}) {\n${shader.code}\n}\n`,
  };
  const uniforms = [
    ...Object.values(counts).map((value) => ({ type: "int32", data: [value] })),
    ...Object.values(factors).map((value) => ({ type: "float32", data: [value] })),
  ];
  return backend.runWebGPUProgram(
    program,
    [...Object.values(inputs), ...Object.values(tables)],
    shader.dtype ?? "float32",
    uniforms,
    Array.isArray(output) ? undefined : output,
  );
}

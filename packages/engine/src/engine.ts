import type * as tfjs from "@tensorflow/tfjs";
import type { TrainingOps } from "./ops/trainingOps.js";
import type { OpenPrograms } from "./programs.js";

/** TensorFlow.js as every engine offers it. All engines share one instance of its core. */
export type Tf = typeof tfjs;

export const engineNames = ["tensorflow", "wasm", "webgpu"] as const;
export type EngineName = (typeof engineNames)[number];

/** What an engine is asked for: a name, or `auto`: tensorflow if it is installed, else webgpu on a real GPU, else wasm. */
export type EngineChoice = EngineName | "auto";

/** A loaded back end, made TensorFlow.js's current one. */
export interface Engine {
  readonly name: EngineName;
  readonly tf: Tf;
  /** Of the library that computes: TensorFlow's, the wasm or the webgpu back end's, this one with its adapter. */
  readonly version: string;
  /** One line for people, such as "TensorFlow 2.21.0 on 2 CPU threads". */
  readonly description: string;
  readonly threads: number;
  /** Operations of the training loop in this engine's fastest way. */
  readonly ops: TrainingOps;
  /** Makes functions of tensors run in this engine's fastest way: compiled, where it compiles. */
  readonly openPrograms: OpenPrograms;
  /** Frees what the engine holds (worker threads, the wasm heap with every tensor in it). */
  dispose(): Promise<void>;
}

export interface EngineOptions {
  /** The folder that `installEngine` fills; without it the tensorflow engine is looked for in node_modules alone. */
  cacheDir?: string;
  /** CPU threads; default: those available to the process. Results depend on it only where an engine says so. */
  threads?: number;
  /** Lets TensorFlow's XLA compile what it can of programs. Holds for the process, as TensorFlow reads it when it loads. */
  xla?: boolean;
  log?: (line: string) => void;
}

/** One line of `listEngines`. */
export interface EngineStatus {
  name: EngineName;
  available: boolean;
  version: string | null;
  /** Why it is not there and how to get it; null if it is. */
  why: string | null;
}

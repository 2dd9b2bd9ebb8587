import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { compileFunction } from "node:vm";
import { UserError } from "@pairloom/config/errors";
import { webAssembly } from "./webAssembly.js";
import type { SharedMemory } from "./webAssembly.js";

/** The parts of the Emscripten module of @tensorflow/tfjs-backend-wasm that we use. */
export interface WasmModule {
  HEAPU8: Uint8Array<SharedArrayBuffer>;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  cwrap(name: string, result: "number" | null, args: "number"[]): (...args: number[]) => number;
  tfjs: Record<string, unknown>;
}

const require = createRequire(import.meta.url);
const folder = () => join(dirname(require.resolve("@tensorflow/tfjs-backend-wasm")), "..", "wasm-out");

/**
 * Stands in for the worker threads that the package's threaded build makes when it starts (eight, idle): its own
 * kernels run on one thread here, ours have threads of their own.
 */
class IdleWorker {
  onmessage: (event: { data: { cmd: string } }) => void = () => undefined;
  on(): void {}
  ref(): void {}
  unref(): void {}
  terminate(): void {}
  postMessage(message: { cmd: string }): void {
    if (message.cmd !== "load") throw new Error(`The wasm back end asked for a thread (${message.cmd})`);
    queueMicrotask(() => this.onmessage({ data: { cmd: "loaded" } }));
  }
}

/** The factory would add listeners to `process` that throw every unhandled error again, with its whole source as context. */
const quietProcess = {
  versions: process.versions,
  argv: [],
  hrtime: process.hrtime.bind(process),
  listeners: () => [],
  on: () => undefined,
  removeListener: () => undefined,
  exit: (code: number) => {
    throw new Error(`The wasm back end gave up (${String(code)})`);
  },
};

function outOfMemory(bytes: number): never {
  throw new UserError(
    "engine_out_of_memory",
    `The wasm engine's 4 GiB have no room for ${String(bytes)} bytes more`,
    {
      hint: "Take a smaller batch or model, or the tensorflow engine: `pairloom engine install`.",
    },
  );
}

/**
 * Starts the package's SIMD build whose memory is shared (up to 4 GiB), so that our kernels and their threads work on
 * the same heap. The package itself never takes that build in Node; we hand its factory a `Worker` of our own.
 */
export async function startWasmModule(): Promise<{ module: WasmModule; memory: SharedMemory }> {
  const dir = folder();
  const file = join(dir, "tfjs-backend-wasm-threaded-simd.js");
  const holder = { exports: {} as (config: object) => Promise<WasmModule> };
  const names = ["module", "exports", "require", "__filename", "__dirname", "Worker", "global", "process"];
  compileFunction(readFileSync(file, "utf8"), names, { filename: file }).call(
    undefined,
    holder,
    holder.exports,
    require,
    file,
    dir,
    IdleWorker,
    { performance },
    quietProcess,
  );
  const memory = new webAssembly.Memory({ initial: 256, maximum: 65536, shared: true });
  const module = await holder.exports({ wasmMemory: memory, locateFile: (name: string) => join(dir, name) });
  const malloc = module._malloc.bind(module);
  // The package's own code takes 0 for an address and writes there
  module._malloc = (bytes) => malloc(bytes) || outOfMemory(bytes);
  const bind = (name: string, args: number, result: "number" | null = null) =>
    module.cwrap(name, result, new Array<"number">(args).fill("number"));
  module.tfjs = {
    init: bind("init", 0),
    initWithThreadsCount: bind("init_with_threads_count", 1),
    getThreadsCount: bind("get_threads_count", 0, "number"),
    registerTensor: bind("register_tensor", 3),
    disposeData: bind("dispose_data", 1),
    dispose: bind("dispose", 0),
  };
  return { module, memory };
}

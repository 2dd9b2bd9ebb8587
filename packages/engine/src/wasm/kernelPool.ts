import { Worker } from "node:worker_threads";
import { kernelBytes } from "./kernelBytes.js";
import { webAssembly } from "./webAssembly.js";
import type { SharedMemory } from "./webAssembly.js";
import type { WasmModule } from "./wasmModule.js";

/** Below so many numbers (or multiplications) a kernel is done before another thread has woken up. */
const worthSharing = 30_000;
const spins = 3_000;
const stuckMs = 300_000;
/** A call is cut into so many parts for each thread: one that the system keeps waiting holds up little. */
const partsPerThread = 4;
/**
 * Flags. `sequence` wakes the threads, `open` names the call whose parts may be taken (0: none), `active` counts the
 * threads that look at it or work on it, `next` is the next part. The arguments change only while `open` is 0 and
 * nobody is active; a thread that comes late finds another call open, or none, and goes back to sleep.
 */
const [sequence, open, active, next, kernelAt, argsAt, unitsAt, chunkAt, scratchAt] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8,
];

export interface KernelCall {
  /** How many independent units there are; a call computes units [from, to), its last two arguments. */
  units: number;
  /** Ranges start at multiples of this. */
  grain?: number;
  /** About how many numbers are read or multiplied, all told: decides whether threads are worth it. */
  cost: number;
  /** Bytes of scratch for each thread: its address becomes the argument before the range. */
  scratch?: number;
}

/** What the threads beside the calling one do. */
const threadCode = `
const { workerData, parentPort } = require("node:worker_threads");
const { wasm, memory, names, control, index } = workerData;
const kernels = new WebAssembly.Instance(wasm, { env: { memory } }).exports;
const flags = new Int32Array(control, 0, 16);
const args = new Float64Array(control, 64);
let seen = 0;
parentPort.postMessage("ready");
for (;;) {
  for (let i = 0; i < ${spins} && Atomics.load(flags, ${sequence}) === seen; i++);
  while (Atomics.load(flags, ${sequence}) === seen) Atomics.wait(flags, ${sequence}, seen);
  seen = Atomics.load(flags, ${sequence});
  Atomics.add(flags, ${active}, 1);
  if (Atomics.load(flags, ${open}) === seen) {
    const kernel = kernels[names[flags[${kernelAt}]]];
    const units = flags[${unitsAt}], chunk = flags[${chunkAt}], scratch = flags[${scratchAt}];
    const own = Array.from(args.subarray(0, flags[${argsAt}]));
    if (scratch > 0) own.push(args[30] + index * scratch);
    for (let from; (from = Atomics.add(flags, ${next}, 1) * chunk) < units; )
      kernel(...own, from, Math.min(units, from + chunk));
  }
  if (Atomics.sub(flags, ${active}, 1) === 1) Atomics.notify(flags, ${active});
}`;

/**
 * Our compiled kernels on the back end's heap, and the threads that share their work. A call is cut into ranges of
 * independent units, so its result has the same bits with any number of threads.
 */
export class KernelPool {
  private readonly control = new SharedArrayBuffer(64 + 32 * 8);
  private readonly flags = new Int32Array(this.control, 0, 16);
  private readonly args = new Float64Array(this.control, 64);
  private readonly kernels: Record<string, (...args: number[]) => number>;
  private readonly names: string[];
  private readonly workers: Worker[] = [];
  private scratch = { pointer: 0, bytes: 0 };

  private constructor(
    private readonly module: WasmModule,
    private readonly memory: SharedMemory,
    private readonly wasm: object,
    readonly threads: number,
  ) {
    const instance = new webAssembly.Instance(wasm, { env: { memory } });
    this.kernels = instance.exports as Record<string, (...args: number[]) => number>;
    this.names = Object.keys(this.kernels);
  }

  /** @param threads how many, the calling one included */
  static async start(module: WasmModule, memory: SharedMemory, threads: number): Promise<KernelPool> {
    const wasm = new webAssembly.Module(Buffer.from(kernelBytes, "base64"));
    const pool = new KernelPool(module, memory, wasm, threads);
    await Promise.all(Array.from({ length: threads - 1 }, (_, i) => pool.startThread(i + 1)));
    return pool;
  }

  private startThread(index: number): Promise<void> {
    const { wasm, memory, names, control } = this;
    const worker = new Worker(threadCode, {
      eval: true,
      workerData: { wasm, memory, names, control, index },
      name: `pairloom-wasm-${String(index)}`,
    });
    this.workers.push(worker);
    return new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", () => {
        worker.unref();
        resolve();
      });
    });
  }

  /** Runs a kernel on as many threads as it is worth, and returns when all of it is done. */
  run(name: string, args: readonly number[], call: KernelCall): void {
    const kernel = this.kernels[name];
    if (kernel === undefined) throw new Error(`No wasm kernel named ${name}`);
    const { units, grain = 1, cost, scratch = 0 } = call;
    const bytes = (scratch + 63) & ~63;
    const shared = this.threads > 1 && cost >= worthSharing && units > grain;
    const pointer = bytes > 0 ? this.reserve(bytes * (shared ? this.threads : 1)) : 0;
    const own = bytes > 0 ? [...args, pointer] : args;
    if (!shared) {
      kernel(...own, 0, units);
      return;
    }
    const { flags } = this;
    const chunk = Math.ceil(units / (this.threads * partsPerThread) / grain) * grain;
    this.args.set(args);
    this.args[30] = pointer;
    flags[kernelAt] = this.names.indexOf(name);
    flags[argsAt] = args.length;
    flags[unitsAt] = units;
    flags[chunkAt] = chunk;
    flags[scratchAt] = bytes;
    Atomics.store(flags, next, 0);
    // 0 means closed
    const id = ((flags[sequence] ?? 0) + 1) | 0 || 1;
    Atomics.store(flags, open, id);
    Atomics.store(flags, sequence, id);
    Atomics.notify(flags, sequence);
    for (let from; (from = Atomics.add(flags, next, 1) * chunk) < units;)
      kernel(...own, from, Math.min(units, from + chunk));
    Atomics.store(flags, open, 0);
    this.join(name);
  }

  /** Calls a kernel that needs no range. */
  ask(name: string, ...args: number[]): number {
    return this.kernels[name]?.(...args) ?? 0;
  }

  /** Waits for the threads that took a part. */
  private join(name: string): void {
    const { flags } = this;
    for (let i = 0; i < spins && Atomics.load(flags, active) !== 0; i++);
    for (let left = Atomics.load(flags, active); left !== 0; left = Atomics.load(flags, active))
      if (Atomics.wait(flags, active, left, stuckMs) === "timed-out")
        throw new Error(`A thread of the wasm engine did not finish ${name} in ${String(stuckMs / 1000)} s`);
  }

  /** The threads' scratch, grown to at least `bytes`; its content does not outlive the next call. */
  private reserve(bytes: number): number {
    if (bytes > this.scratch.bytes) {
      if (this.scratch.pointer !== 0) this.module._free(this.scratch.pointer);
      this.scratch = { pointer: this.module._malloc(bytes) >>> 0, bytes };
    }
    return this.scratch.pointer;
  }

  /** Memory on the heap for as long as `use` runs. */
  borrow<T>(bytes: number, use: (pointer: number) => T): T {
    const pointer = this.module._malloc(bytes) >>> 0;
    try {
      return use(pointer);
    } finally {
      this.module._free(pointer);
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((worker) => worker.terminate()));
  }
}

import { createRequire } from "node:module";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { UserError } from "@pairloom/config/errors";
import type { RowArrays, RowNote, RowSettings } from "../makeRows.js";
import type { SampleGroup } from "../sampleGroups.js";
import type { ReaderThreadData, ReaderThreadOrder } from "./readerThread.js";
import type { RowOrder, RowThreadData, RowThreadMessage } from "./rowThread.js";
import { errorOf } from "./threadFailure.js";

export interface DataThreadsOptions {
  /** Threads that make rows, at most one a row; a reader of shards comes on top. */
  threads: number;
  /** Batches that are ready, under way, or held by the step: so many are in memory. */
  slots: number;
  batchSize: number;
  rows: RowSettings;
  /** Steps done before the first batch. */
  step: number;
  /** Samples in (shared) memory, batch after batch; or the shards to read. */
  source:
    | { groups: Generator<SampleGroup, void> }
    | { shards: Pick<ReaderThreadData, "url" | "settings" | "cursor"> };
}

/** A batch whose rows are all made. */
export interface MadeBatch {
  arrays: RowArrays;
  notes: (RowNote | null)[];
  cursor: SampleGroup["cursor"];
}

/** A thread that has not ended by itself so long after it was told to is ended. */
const stopMs = 2000;
const file = (name: string) => createRequire(import.meta.url).resolve(`@pairloom/training/threads/${name}`);

/**
 * Threads that make batches ready in shared memory, while this one is held by a step. The batch of step s lies in slot
 * s mod `slots`; every row thread makes the same rows of each, so that one batch is ready as early as can be and memory
 * doesn't grow with threads. What is made is the same with any number of them. Whoever starts them closes them.
 */
export class DataThreads {
  private readonly slots: RowArrays[];
  private readonly workers: Worker[] = [];
  private readonly results: MessagePort[] = [];
  private readonly orders: { port: MessagePort; first: number; count: number }[] = [];
  private reader: Worker | null = null;
  /** By step: rows made, of a batch that isn't taken. */
  private readonly made = new Map<number, { left: number; batch: MadeBatch }>();
  private failure: Error | null = null;
  private closing = false;
  private wake = () => {};
  private ordered: number;

  constructor(private readonly options: DataThreadsOptions) {
    const { batchSize, slots, rows, step, source } = options;
    this.ordered = step;
    this.slots = Array.from({ length: slots }, () => sharedRows(batchSize, rows));
    const threads = Math.min(options.threads, batchSize);
    const starts = Array.from({ length: threads + 1 }, (_, i) => Math.floor((i * batchSize) / threads));
    const parts = starts.slice(0, -1).map((first, i) => {
      const end = starts[i + 1] as number;
      const { port1: port, port2: orders } = new MessageChannel();
      const slotRows = this.slots.map((arrays) => rowsOf(arrays, batchSize, first, end));
      const results = this.resultsPort();
      const data: RowThreadData = { settings: rows, first, slots: slotRows, orders, results };
      this.start("rowThread", data, [orders, results]);
      return { port, first, count: end - first };
    });
    if ("groups" in source) {
      this.orders.push(...parts);
      for (let slot = 0; slot < slots; slot++) this.orderNext(source.groups);
      return;
    }
    const results = this.resultsPort();
    const readers = parts.map(({ port, first, count }) => ({ orders: port, first, count }));
    const data: ReaderThreadData = { ...source.shards, step, slots, rows: readers, results };
    this.reader = this.start("readerThread", data, [results, ...parts.map(({ port }) => port)]);
  }

  /**
   * The batch of a step; at once where it is ready, without the event loop. It is the caller's until `giveBack`.
   *
   * @throws UserError what a thread failed of, or "data_thread_died"
   */
  async take(step: number): Promise<MadeBatch> {
    for (;;) {
      for (const port of this.results) {
        for (let item; (item = receiveMessageOnPort(port)) !== undefined;) {
          this.receive(item.message as RowThreadMessage);
        }
      }
      const made = this.made.get(step);
      if (made?.left === 0) {
        this.made.delete(step);
        return made.batch;
      }
      if (this.failure !== null) throw this.failure;
      await new Promise<void>((done) => (this.wake = done));
    }
  }

  /** The batch of a step has been used: its slot may be written to. */
  giveBack(step: number): void {
    const { source } = this.options;
    if ("groups" in source) this.orderNext(source.groups);
    else this.reader?.postMessage({ taken: step + 1 - this.options.step } satisfies ReaderThreadOrder);
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(
      this.workers.map(async (worker) => {
        const late = setTimeout(() => void worker.terminate(), stopMs);
        if (worker.threadId !== -1) {
          const ended = new Promise((done) => worker.once("exit", done));
          worker.postMessage("stop" satisfies ReaderThreadOrder);
          await ended;
        }
        clearTimeout(late);
      }),
    );
    for (const port of [...this.results, ...this.orders.map((order) => order.port)]) port.close();
  }

  private resultsPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    port1.on("message", (message: RowThreadMessage) => this.receive(message));
    this.results.push(port1);
    return port2;
  }

  private start(name: string, workerData: object, transferList: MessagePort[]): Worker {
    // Node's own options (--input-type, --eval) speak of the program, not of its threads
    const worker = new Worker(file(name), { name, workerData, transferList, execArgv: [] });
    worker.on("error", (error) => this.fail(died(`failed: ${error.message}`, error)));
    worker.on("exit", (code) => {
      if (!this.closing) this.fail(died(`ended with exit code ${code}`));
    });
    this.workers.push(worker);
    return worker;
  }

  private orderNext(groups: Generator<SampleGroup, void>): void {
    const { samples, cursor } = groups.next().value as SampleGroup;
    const step = this.ordered++;
    for (const { port, first, count } of this.orders) {
      const slot = step % this.slots.length;
      port.postMessage({
        samples: samples.slice(first, first + count),
        cursor,
        step,
        slot,
      } satisfies RowOrder);
    }
  }

  private receive(message: RowThreadMessage): void {
    if ("failed" in message) return this.fail(errorOf(message.failed));
    const { step, first, notes, cursor } = message.made;
    const { batchSize } = this.options;
    let made = this.made.get(step);
    if (made === undefined) {
      const arrays = this.slots[step % this.slots.length] as RowArrays;
      made = { left: batchSize, batch: { arrays, notes: new Array<null>(batchSize).fill(null), cursor } };
      this.made.set(step, made);
    }
    notes.forEach((note, i) => (made.batch.notes[first + i] = note));
    made.left -= notes.length;
    this.wake();
  }

  private fail(error: Error): void {
    this.failure ??= error;
    this.wake();
  }
}

const died = (how: string, cause?: Error): UserError =>
  new UserError("data_thread_died", `A thread that makes batches ready ${how}`, {
    hint: "Resume the run: it goes on from its last checkpoint. With --data-workers 0 no such threads are used.",
    ...(cause === undefined ? {} : { cause }),
  });

/** Bytes of one batch's arrays. */
export function batchBytes(batchSize: number, { side, contextLength }: RowSettings): number {
  return batchSize * 4 * (side * side * 3 + contextLength);
}

function sharedRows(batchSize: number, { side, contextLength }: RowSettings): RowArrays {
  return {
    images: new Float32Array(new SharedArrayBuffer(batchSize * side * side * 3 * 4)),
    tokens: new Int32Array(new SharedArrayBuffer(batchSize * contextLength * 4)),
  };
}

function rowsOf({ images, tokens }: RowArrays, batchSize: number, from: number, to: number): RowArrays {
  const [pixels, context] = [images.length / batchSize, tokens.length / batchSize];
  return {
    images: images.subarray(from * pixels, to * pixels),
    tokens: tokens.subarray(from * context, to * context),
  };
}

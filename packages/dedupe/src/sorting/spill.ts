import { rm } from "node:fs/promises";
import { join } from "node:path";
import { mergeRuns } from "./mergeRuns.js";
import { readRun, RunWriter } from "./runFile.js";
import { turns } from "../turns.js";
import type { AnyIterable } from "./streams.js";

/** Records in order, on disk or in memory; they may be gone through more than once, but not after `drop`. */
export interface Sorted<T> extends AsyncIterable<T> {
  readonly count: number;
  /** Gives back memory and disk. */
  drop(): Promise<void>;
}

export interface SorterOptions<T> {
  /** Null: in the order they came. Records that compare equal stay in that order too. */
  order: ((a: T, b: T) => number) | null;
  /** How many rows a record is worth in memory. */
  weigh?: (record: T) => number;
}

export interface SpillOptions {
  /** Makes an empty folder on a local disk; asked when memory is first full. */
  folder: () => Promise<string>;
  /** Rows that each sorter holds in memory before it writes them out. */
  rowsInMemory?: number;
}

type Closable = Pick<RunWriter<never>, "close">;

/** Each reads a block of its own, so this bounds memory and open files. */
const runsAtOnce = 64;
const defaultRowsInMemory = 1 << 16;

/** Sorts more JSON values than memory holds: full buffers are sorted and written out as runs, which are merged as they are read. */
export class Spill {
  readonly #options: SpillOptions | null;
  #folder: Promise<string> | null = null;
  #files = 0;
  /** Those that are being written. */
  readonly #writers = new Set<Closable>();

  /** @param options absent: all stays in memory */
  constructor(options: SpillOptions | null = null) {
    this.#options = options;
  }

  get rowsInMemory(): number {
    return this.#options === null ? Infinity : (this.#options.rowsInMemory ?? defaultRowsInMemory);
  }

  sorter<T>(options: SorterOptions<T>): Sorter<T> {
    return new Sorter(this, options);
  }

  /** Sorts what a source gives. */
  async sort<T>(source: AnyIterable<T>, options: SorterOptions<T>): Promise<Sorted<T>> {
    const sorter = this.sorter(options);
    for await (const record of source) await sorter.add(record);
    return sorter.sorted();
  }

  async newRun<T>(): Promise<RunWriter<T>> {
    if (this.#options === null) throw new Error("This spill keeps all in memory");
    this.#folder ??= this.#options.folder();
    const writer = await RunWriter.open<T>(join(await this.#folder, `${this.#files++}.run`));
    this.#writers.add(writer);
    return writer;
  }

  async closeRun(writer: Closable): Promise<void> {
    this.#writers.delete(writer);
    await writer.close();
  }

  /** Removes its folder. */
  async dispose(): Promise<void> {
    for (const writer of this.#writers) await this.closeRun(writer);
    if (this.#folder !== null) await rm(await this.#folder, { recursive: true, force: true });
    this.#folder = null;
  }
}

export class Sorter<T> {
  readonly #spill: Spill;
  readonly #options: SorterOptions<T>;
  #held: T[] = [];
  #weight = 0;
  #count = 0;
  #runs: string[] = [];
  /** Where the order is that of coming, all goes into one run. */
  #appended: RunWriter<T> | null = null;

  constructor(spill: Spill, options: SorterOptions<T>) {
    this.#spill = spill;
    this.#options = options;
  }

  add(record: T): Promise<void> | void {
    this.#held.push(record);
    this.#count++;
    this.#weight += this.#options.weigh?.(record) ?? 1;
    if (this.#weight >= this.#spill.rowsInMemory) return this.#flush();
  }

  /** Everything that was added; nothing may be added afterwards. */
  async sorted(): Promise<Sorted<T>> {
    const count = this.#count;
    const { order } = this.#options;
    if (this.#runs.length === 0 && this.#appended === null) {
      let held = this.#held;
      if (order !== null) held.sort(order);
      this.#held = [];
      return {
        count,
        [Symbol.asyncIterator]: () => inTurns(held),
        drop: async () => void (held = []),
      };
    }
    if (this.#held.length > 0) await this.#flush();
    if (this.#appended !== null) await this.#spill.closeRun(this.#appended);
    await this.#mergeTooMany();
    const runs = this.#runs;
    return {
      count,
      [Symbol.asyncIterator]: () => this.#merged(runs),
      drop: async () => {
        for (const run of runs) await rm(run, { force: true });
      },
    };
  }

  async #flush(): Promise<void> {
    const held = this.#held;
    [this.#held, this.#weight] = [[], 0];
    const { order } = this.#options;
    if (order === null) {
      if (this.#appended === null) {
        this.#appended = await this.#spill.newRun();
        this.#runs.push(this.#appended.path);
      }
      await this.#appended.write(held);
      return;
    }
    held.sort(order);
    this.#runs.push(await this.#writeRun(held));
  }

  async #writeRun(records: AnyIterable<T>): Promise<string> {
    const writer = await this.#spill.newRun<T>();
    await writer.write(records);
    await this.#spill.closeRun(writer);
    return writer.path;
  }

  /** Makes one of neighbouring runs until few enough are left; those already made so come last again. */
  async #mergeTooMany(): Promise<void> {
    const runs = this.#runs;
    for (let from = 0; runs.length > runsAtOnce; from++) {
      if (from >= runs.length - 1) from = 0;
      const some = runs.slice(from, from + Math.min(runsAtOnce, runs.length - runsAtOnce + 1));
      runs.splice(from, some.length, await this.#writeRun(this.#merged(some)));
      for (const run of some) await rm(run, { force: true });
    }
  }

  #merged(runs: readonly string[]): AsyncGenerator<T, void> {
    const blocks = runs.map((run) => readRun<T>(run));
    return mergeRuns(blocks, this.#options.order ?? (() => 0));
  }
}

async function* inTurns<T>(records: readonly T[]): AsyncGenerator<T, void> {
  const turn = turns();
  for (const record of records) {
    const others = turn();
    if (others !== null) await others;
    yield record;
  }
}

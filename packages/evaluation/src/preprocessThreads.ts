import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Preprocessing } from "@pairloom/clip/images";
import { UserError } from "@pairloom/config/errors";
import type { PreprocessAnswer, PreprocessOrder, PreprocessThreadData } from "./threads/preprocessThread.js";

const file = createRequire(import.meta.url).resolve("@pairloom/evaluation/threads/preprocessThread");
/** Pictures that a thread has at once: some are decoded (in libuv's threads) while it resizes one. */
const picturesAtOnce = 8;

interface Waiting {
  image: Uint8Array;
  resolve: (pixels: Float32Array) => void;
  reject: (error: Error) => void;
}

/** Threads that decode and preprocess pictures, while an engine holds this one. Whoever makes them closes them. */
export class PreprocessThreads {
  private readonly workers: { worker: Worker; busy: number }[];
  private readonly waiting: Waiting[] = [];
  private readonly underWay = new Map<number, Waiting>();
  private failure: Error | null = null;
  private closing = false;
  private lastId = 0;

  /** @param preprocessing the model's (`preprocessingOf`) */
  constructor(preprocessing: Preprocessing, threads = availableParallelism()) {
    this.workers = Array.from({ length: threads }, () => {
      const workerData: PreprocessThreadData = { preprocessing };
      const worker = new Worker(file, { workerData, name: "pairloom-pictures", execArgv: [] });
      const own = { worker, busy: 0 };
      worker.on("message", (answer: PreprocessAnswer) => {
        own.busy--;
        this.receive(answer);
      });
      worker.on("error", (error) => this.fail(`failed: ${String(error)}`, error));
      worker.on("exit", (code) => this.closing || this.fail(`ended with exit code ${code}`));
      return own;
    });
  }

  /** The picture as `preprocessPicture` gives it. @throws where it can't be decoded; UserError where a thread died */
  preprocess(image: Uint8Array): Promise<Float32Array> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ image, resolve, reject });
      this.hand();
    });
  }

  async close(): Promise<void> {
    this.closing = true;
    await Promise.all(this.workers.map(({ worker }) => worker.terminate()));
  }

  private hand(): void {
    if (this.failure !== null) for (const { reject } of this.waiting.splice(0)) reject(this.failure);
    while (this.waiting.length > 0) {
      const free = this.workers.reduce((least, one) => (one.busy < least.busy ? one : least));
      if (free.busy >= picturesAtOnce) return;
      const next = this.waiting.shift()!;
      const id = ++this.lastId;
      this.underWay.set(id, next);
      free.busy++;
      // a copy: the picture may be a view of a large piece of a shard, all of which would be sent
      const image = Uint8Array.from(next.image);
      free.worker.postMessage({ id, image } satisfies PreprocessOrder, [image.buffer]);
    }
  }

  private receive(answer: PreprocessAnswer): void {
    const { resolve, reject } = this.underWay.get(answer.id)!;
    this.underWay.delete(answer.id);
    if ("pixels" in answer) resolve(answer.pixels);
    else reject(new Error(answer.failed));
    this.hand();
  }

  private fail(how: string, cause?: Error): void {
    this.failure ??= new UserError("picture_thread_died", `A thread that decodes pictures ${how}`, { cause });
    for (const { reject } of this.underWay.values()) reject(this.failure);
    this.underWay.clear();
    this.hand();
  }
}

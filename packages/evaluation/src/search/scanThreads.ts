import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";
import { UserError } from "@pairloom/config/errors";
import type { ScanAnswer, ScanOrder, ScanThreadData } from "../threads/scanThread.js";
import type { Scored } from "./nearest.js";

const file = createRequire(import.meta.url).resolve("@pairloom/evaluation/threads/scanThread");

/** Threads that each hold a share of an index's rows. Whoever opens them closes them. */
export class ScanThreads {
  private constructor(private readonly workers: readonly Worker[]) {}

  /** Starts a thread for each share and waits until all have read theirs. */
  static async open(shares: readonly ScanThreadData[]): Promise<ScanThreads> {
    const threads = new ScanThreads(
      shares.map((workerData) => new Worker(file, { workerData, name: "pairloom-search", execArgv: [] })),
    );
    try {
      await Promise.all(threads.workers.map((worker) => answerOf(worker)));
      return threads;
    } catch (error) {
      await threads.close();
      throw error;
    }
  }

  /** The best rows of all shares. One query at a time. */
  async search(query: Float32Array, count: number): Promise<Scored[]> {
    const bounds = (await this.ask({ lowerBounds: { query, count } })).flatMap((answer) =>
      "lowerBounds" in answer ? answer.lowerBounds : [],
    );
    const floor = bounds.sort((a, b) => b - a)[count - 1] ?? -Infinity;
    const found = (await this.ask({ best: { query, count, floor } })).flatMap((answer) =>
      "best" in answer ? answer.best : [],
    );
    return found.sort((a, b) => b.score - a.score || a.row - b.row).slice(0, count);
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }

  private ask(order: ScanOrder): Promise<ScanAnswer[]> {
    return Promise.all(
      this.workers.map((worker) => {
        const answer = answerOf(worker);
        worker.postMessage(order);
        return answer;
      }),
    );
  }
}

function answerOf(worker: Worker): Promise<ScanAnswer> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      settle();
    };
    const died = (how: string, cause?: unknown) =>
      new UserError("search_thread_died", `A thread of the search ${how}`, { cause });
    const onMessage = (answer: ScanAnswer) =>
      end(() =>
        "failed" in answer
          ? reject(died(`failed: ${messageOf(answer.failed)}`, answer.failed))
          : resolve(answer),
      );
    const onError = (error: unknown) => end(() => reject(died(`failed: ${messageOf(error)}`, error)));
    const onExit = (code: number) => end(() => reject(died(`ended with exit code ${code}`)));
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { createTokenizer } from "@pairloom/tokenizer";
import sharp from "sharp";
import { makeRows, type RowArrays, type RowNote, type RowSettings } from "../makeRows.js";
import type { SampleGroup } from "../sampleGroups.js";
import { failureOf, type ThreadFailure } from "./threadFailure.js";

/**
 * A thread that makes the same rows of every batch. Orders come from whoever knows the samples, in the order of the steps;
 * an order is also the permission to write to its slot.
 */
export interface RowThreadData {
  settings: RowSettings;
  /** Number in the batch of the first of its rows. */
  first: number;
  /** Its rows in each slot: views of shared memory. */
  slots: RowArrays[];
  orders: MessagePort;
  /** Takes RowThreadMessage. */
  results: MessagePort;
}

/** The thread's rows of a batch. */
export interface RowOrder extends SampleGroup {
  /** Steps done before. */
  step: number;
  slot: number;
}

export type RowThreadMessage =
  | { made: { step: number; first: number; notes: (RowNote | null)[]; cursor: SampleGroup["cursor"] } }
  | { failed: ThreadFailure };

const { settings, first, slots, orders, results } = workerData as RowThreadData;
// no picture comes twice in a row: remembering operations costs a tenth of a small picture's decoding
sharp.cache(false);
const tell = (message: RowThreadMessage) => results.postMessage(message);
const tokenizer = createTokenizer();
let stopped = false;
let work = Promise.resolve();

const make = async ({ samples, step, slot, cursor }: RowOrder) => {
  if (stopped) return;
  const rows = slots[slot] as RowArrays;
  const notes = await makeRows(samples, step, first, settings, tokenizer, rows);
  tell({ made: { step, first, notes, cursor } });
};

orders.on("message", (order: RowOrder) => {
  work = work.then(() => make(order)).catch((error: unknown) => tell({ failed: failureOf(error) }));
});
// any message means: stop. The thread ends when nothing is under way and its ports are closed.
parentPort?.once("message", () => {
  stopped = true;
  void work.finally(() => {
    orders.close();
    results.close();
  });
});

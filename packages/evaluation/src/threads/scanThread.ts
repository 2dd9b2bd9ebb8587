import { parentPort, workerData } from "node:worker_threads";
import { Float16Scanner } from "../search/float16Scanner.js";
import { Int8Scanner } from "../search/int8Scanner.js";
import type { Scored } from "../search/nearest.js";
import type { RowScanner, RowSlice } from "../search/rowSlice.js";

/** A thread that holds some rows of an index and looks through them. */
export interface ScanThreadData {
  store: "float16" | "int8";
  width: number;
  values: Float32Array;
  slices: RowSlice[];
}

export type ScanOrder =
  | { lowerBounds: { query: Float32Array; count: number } }
  | { best: { query: Float32Array; count: number; floor: number } };
export type ScanAnswer =
  { ready: true } | { lowerBounds: number[] } | { best: Scored[] } | { failed: unknown };

const { store, width, values, slices } = workerData as ScanThreadData;
const port = parentPort!;
const tell = (answer: ScanAnswer) => port.postMessage(answer);
try {
  const scanner: RowScanner = new (store === "int8" ? Int8Scanner : Float16Scanner)(slices, width, values);
  port.on("message", (order: ScanOrder) => {
    try {
      if ("lowerBounds" in order) {
        const { query, count } = order.lowerBounds;
        tell({ lowerBounds: scanner.lowerBounds(query, count) });
      } else {
        const { query, count, floor } = order.best;
        tell({ best: scanner.best(query, count, floor) });
      }
    } catch (failed) {
      tell({ failed });
    }
  });
  tell({ ready: true });
} catch (failed) {
  tell({ failed });
}

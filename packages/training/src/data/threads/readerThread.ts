import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openStore, type Store } from "@pairloom/storage";
import type { ShardCursor } from "@pairloom/shards";
import type { Sample } from "../sample.js";
import { type GroupSettings, streamedGroups } from "../sampleGroups.js";
import type { RowOrder, RowThreadMessage } from "./rowThread.js";
import { failureOf } from "./threadFailure.js";

/** A thread that reads shards and orders their samples' rows from the row threads, up to `slots` batches ahead. */
export interface ReaderThreadData {
  /** Of the release's store. */
  url: string;
  settings: GroupSettings;
  /** Steps done before the first batch, and where that is read. */
  step: number;
  cursor: ShardCursor | null;
  slots: number;
  /** The row threads, and which rows of a batch are whose. */
  rows: { orders: MessagePort; first: number; count: number }[];
  /** Takes what failed, as RowThreadMessage. */
  results: MessagePort;
}

/** How many batches were taken and given back since the beginning; "stop" ends the thread. */
export type ReaderThreadOrder = { taken: number } | "stop";

const data = workerData as ReaderThreadData;
let taken = 0;
let stopped = false;
let wake = () => {};
parentPort?.on("message", (order: ReaderThreadOrder) => {
  if (order === "stop") stopped = true;
  else taken = order.taken;
  wake();
});

async function read(store: Store): Promise<void> {
  const { settings, slots, rows } = data;
  let { step } = data;
  for await (const { samples, cursor } of streamedGroups(store, settings, step, data.cursor)) {
    while (!stopped && step - data.step >= taken + slots) await new Promise<void>((done) => (wake = done));
    if (stopped) return;
    for (const { orders, first, count } of rows) {
      const part = packed(samples.slice(first, first + count));
      const order: RowOrder = { samples: part.samples, cursor, step, slot: step % slots };
      orders.postMessage(order, [part.bytes]);
    }
    step++;
  }
}

/** Files are views of large chunks of a shard: what is sent is moved into one piece of memory of its own. */
function packed(samples: readonly Sample[]): { samples: Sample[]; bytes: ArrayBuffer } {
  const files = samples.map(({ picture }) => picture as Uint8Array);
  const bytes = new Uint8Array(files.reduce((sum, file) => sum + file.byteLength, 0));
  let at = 0;
  const moved = samples.map((sample, i) => {
    const file = files[i] as Uint8Array;
    const picture = bytes.subarray(at, at + file.byteLength);
    picture.set(file);
    at += file.byteLength;
    return { ...sample, picture };
  });
  return { samples: moved, bytes: bytes.buffer };
}

try {
  await read(await openStore(data.url, { readOnly: true }));
} catch (error) {
  data.results.postMessage({ failed: failureOf(error) } satisfies RowThreadMessage);
}
data.results.close();
for (const { orders } of data.rows) orders.close();
parentPort?.close();

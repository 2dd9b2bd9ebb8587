import type { Worker } from "node:worker_threads";
import { afterEach, expect, test } from "vitest";
import type { RowSettings } from "../src/data/makeRows.js";
import type { SampleGroup } from "../src/data/sampleGroups.js";
import { DataThreads } from "../src/data/threads/dataThreads.js";

const rows: RowSettings = {
  seed: 1,
  captions: "first",
  crop: "square",
  cropMargin: 0,
  cropMinArea: 0.9,
  brightness: 0,
  side: 8,
  contextLength: 6,
  mean: [0.5, 0.5, 0.5],
  deviation: [0.5, 0.5, 0.5],
};

let threads: DataThreads;
afterEach(() => threads.close());

/** Groups of one grey picture each, as many as are asked for. */
function* grey(texts: string[], onOrder = () => {}): Generator<SampleGroup, void> {
  const picture = { data: new Uint8Array(8 * 8 * 3).fill(128), width: 8, height: 8 };
  for (let i = 0; ; i++) {
    onOrder();
    yield { samples: [0, 1, 2].map((row) => ({ key: `${i}-${row}`, texts, picture })), cursor: null };
  }
}

const start = (groups: Generator<SampleGroup, void>, slots = 2) =>
  (threads = new DataThreads({ threads: 2, slots, batchSize: 3, rows, step: 7, source: { groups } }));
const workersOf = (of: DataThreads) => (of as unknown as { workers: Worker[] }).workers;

test("no more batches are ordered than there are slots, until one is given back", async () => {
  let ordered = 0;
  start(
    grey(["a cat"], () => ordered++),
    4,
  );
  await threads.take(7);
  expect(ordered).toBe(4);
  threads.giveBack(7);
  expect(ordered).toBe(5);
});

test("arrays of a batch are shared memory, each slot its own", async () => {
  start(grey(["a cat"]));
  const [first, second] = [await threads.take(7), await threads.take(8)];
  expect(first.arrays.images.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(first.arrays.images.buffer).not.toBe(second.arrays.images.buffer);
  threads.giveBack(7);
  expect((await threads.take(9)).arrays.images.buffer).toBe(first.arrays.images.buffer);
  expect(second.notes.map((note) => note?.key)).toEqual(["1-0", "1-1", "1-2"]);
});

test("a thread that dies is an error of the batch that lacks its rows, not a wait without end", async () => {
  start(grey(["a cat"]));
  await threads.take(7);
  await workersOf(threads)[1]!.terminate();
  const taken = async () => {
    for (let step = 8; ; step++) {
      threads.giveBack(step - 1);
      await threads.take(step);
    }
  };
  await expect(taken()).rejects.toMatchObject({ code: "data_thread_died" });
});

test("what a thread can't do is told with its reason", async () => {
  start(grey([]));
  await expect(threads.take(7)).rejects.toMatchObject({ code: "data_thread_failed" });
});

test("closed threads have ended", async () => {
  start(grey(["a cat"]));
  await threads.take(7);
  const workers = workersOf(threads);
  await threads.close();
  expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1]);
});

// Time of an exact query on an opened index, beside the physical limit (a plain sum over as many bytes, in as many
// threads) and beside Python's peers (numpy's product; faiss where it is installed), in turns.
//   node bench/search/exact.mjs int8 2000000 [width=512] [folder] [python]
//   node bench/search/exact.mjs float16 1000000
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { openSearchIndex } from "@pairloom/evaluation";
import { largeIndex } from "./largeIndex.mjs";

const [store = "int8", rowsText = "2000000", widthText = "512", place, python] = process.argv.slice(2);
const [rows, width, rounds] = [Number(rowsText), Number(widthText), 6];
const folder = place || join(tmpdir(), `pairloom-index-${rows}x${width}`);
const queries = await largeIndex(folder, rows, width, rounds);
const threads = availableParallelism();
const bytes = rows * width * (store === "int8" ? 1 : 2);

const opening = performance.now();
const index = await openSearchIndex(folder, { store });
const openedMs = performance.now() - opening;

const summing = `
const { parentPort, workerData } = require("node:worker_threads");
const numbers = new Float64Array(workerData).fill(1);
parentPort.on("message", () => {
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i + 4 <= numbers.length; i += 4) {
    a += numbers[i]; b += numbers[i + 1]; c += numbers[i + 2]; d += numbers[i + 3];
  }
  parentPort.postMessage(a + b + c + d);
});
parentPort.postMessage(0);`;
const summers = Array.from(
  { length: threads },
  () => new Worker(summing, { eval: true, workerData: Math.floor(bytes / 8 / threads) }),
);
await Promise.all(summers.map((worker) => once(worker, "message")));
const sumMs = () =>
  timed(() => Promise.all(summers.map((worker) => (worker.postMessage(0), once(worker, "message")))));

const peers = python
  ? spawn(python, [fileURLToPath(new URL("peers.py", import.meta.url)), folder, store, String(threads)], {
      stdio: ["pipe", "pipe", "inherit"],
    })
  : null;
const lines = peers && createInterface({ input: peers.stdout })[Symbol.asyncIterator]();
const peerSays = async () => JSON.parse((await lines.next()).value);
if (peers) await peerSays();

const times = { pairloom: [], sum: [] };
for (let round = 0; round < rounds; round++) {
  const query = queries.subarray(round * width, (round + 1) * width);
  times.pairloom.push(await timed(() => index.search(query, 10)));
  times.sum.push(await sumMs());
  if (!peers) continue;
  peers.stdin.write(`${JSON.stringify([...query])}\n`);
  for (const [name, ms] of Object.entries(await peerSays())) (times[name] ??= []).push(ms);
}
peers?.stdin.end();
await index.close();
const best = Object.fromEntries(
  Object.entries(times).map(([name, all]) => [name, Math.round(Math.min(...all))]),
);
const median = Object.fromEntries(
  Object.entries(times).map(([name, all]) => [
    name,
    Math.round([...all].sort((a, b) => a - b)[all.length >> 1]),
  ]),
);
console.log(
  JSON.stringify({
    store,
    rows,
    width,
    threads,
    openedMs: Math.round(openedMs),
    bestMs: best,
    medianMs: median,
  }),
);
process.exit();

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

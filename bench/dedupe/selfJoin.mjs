// All near pairs of a set of hashes: in one thread, in several that share the tables among them, and by comparing all with all.
//   npm run build && node bench/dedupe/selfJoin.mjs [hashes=1000000] [threads=2]
// The scan goes over a thousandth of the hashes (its seconds are for all).
import { Worker } from "node:worker_threads";
import { nearPairs } from "@pairloom/dedupe";
import { generator, randomHashes, timed, turnBits } from "./plantedHashes.mjs";

const [count = 1_000_000, threads = 2] = process.argv.slice(2).map(Number);
const radius = 31;
const hashes = randomHashes(count);
const random = generator(17);
let planted = 0;
for (let i = 1; i < count; i += 20) {
  hashes.copyWithin(i * 8, (i - 1) * 8, i * 8);
  const turns = random() % 41;
  turnBits(hashes, i, turns, random);
  if (turns <= radius) planted++;
}
const round = (seconds) => +seconds.toFixed(1);
const one = await timed(() => {
  let pairs = 0;
  nearPairs(hashes, radius, () => pairs++);
  return pairs;
});
if (one.result !== planted) throw new Error(`found ${one.result} of ${planted} planted pairs`);

const code = `
import { parentPort, workerData } from "node:worker_threads";
const { nearPairs } = await import(workerData.dedupe);
let pairs = 0;
nearPairs(workerData.hashes, workerData.radius, () => pairs++, workerData.words);
parentPort.postMessage(pairs);`;
const share = (thread) =>
  new Promise((resolve, reject) => {
    const words = Array.from({ length: 16 }, (_, word) => word).filter((word) => word % threads === thread);
    const workerData = { hashes, radius, words, dedupe: import.meta.resolve("@pairloom/dedupe") };
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData });
    worker.once("message", resolve).once("error", reject);
  });
const several = await timed(async () => {
  const pairs = await Promise.all(Array.from({ length: threads }, (_, thread) => share(thread)));
  return pairs.reduce((sum, n) => sum + n, 0);
});
if (several.result !== planted)
  throw new Error(`threads found ${several.result} of ${planted} planted pairs`);

const popcount = (v) => {
  v -= (v >>> 1) & 0x55555555;
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};
const few = Math.ceil(count / 1000);
const scan = await timed(() => {
  let pairs = 0;
  for (let i = 0; i < few * 8; i += 8) {
    for (let j = 0; j < hashes.length; j += 8) {
      let distance = 0;
      for (let k = 0; k < 8 && distance <= radius; k++) distance += popcount(hashes[i + k] ^ hashes[j + k]);
      if (distance <= radius) pairs++;
    }
  }
  return pairs;
});
console.log(
  JSON.stringify({
    hashes: count,
    pairs: planted,
    oneThread: { seconds: round(one.seconds), cpuSeconds: round(one.cpuSeconds) },
    [`threads${threads}`]: { seconds: round(several.seconds), cpuSeconds: round(several.cpuSeconds) },
    scanOfHalf: { cpuSeconds: round((scan.cpuSeconds * count) / few / 2) },
  }),
);

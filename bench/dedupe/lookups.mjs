// Lookups of PDQ hashes among many at radius 31: the batch join, the online index, a plain scan, and faiss where a Python
// has it (IndexBinaryMultiHash with 16 hashes of 16 bits and one flip is the same algorithm in C++; IndexBinaryFlat compares all).
//   npm run build && node bench/dedupe/lookups.mjs [stored=10000000] [probes=100000] [python, or "join" for the join alone]
// The index looks up a tenth of the probes, the scan and IndexBinaryFlat a thousandth: figures are per probe.
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HammingIndex, nearLookups } from "@pairloom/dedupe";
import { hexOf, plantedProbes, randomHashes, timed } from "./plantedHashes.mjs";

const [storedCount = 10_000_000, probeCount = 100_000] = process.argv.slice(2, 4).map(Number);
const python = process.argv[4];
const radius = 31;
const stored = randomHashes(storedCount);
const { probes, within } = plantedProbes(stored, probeCount, radius);
const say = (name, count, { seconds, cpuSeconds, result }, more = {}) =>
  console.log(
    JSON.stringify({
      name,
      probes: count,
      found: result,
      seconds: +seconds.toFixed(1),
      cpuSeconds: +cpuSeconds.toFixed(1),
      usPerProbe: +((cpuSeconds * 1e6) / count).toFixed(1),
      ...more,
    }),
  );

const joined = await timed(() => {
  let pairs = 0;
  nearLookups(probes, stored, radius, () => pairs++);
  return pairs;
});
say("nearLookups", probeCount, joined, { planted: within, bytesPerImage: 36 });
if (joined.result !== within) throw new Error(`found ${joined.result} of ${within} planted pairs`);

if (python === "join") process.exit();
const index = new HammingIndex();
const built = await timed(() => {
  for (let i = 0; i < storedCount; i++) index.add(hexOf(stored, i));
  return index.size;
});
say("HammingIndex.add", storedCount, built, { bytesPerImage: +(index.byteLength / storedCount).toFixed(1) });
const some = Math.ceil(probeCount / 10);
const looked = await timed(() => {
  let pairs = 0;
  for (let i = 0; i < some; i++) pairs += index.within(hexOf(probes, i), radius).length;
  return pairs;
});
say("HammingIndex.within", some, looked);

const few = Math.ceil(probeCount / 1000);
const popcount = (v) => {
  v -= (v >>> 1) & 0x55555555;
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};
const scanned = await timed(() => {
  let pairs = 0;
  for (let i = 0; i < few * 8; i += 8) {
    for (let j = 0; j < stored.length; j += 8) {
      let distance = 0;
      for (let k = 0; k < 8 && distance <= radius; k++) distance += popcount(probes[i + k] ^ stored[j + k]);
      if (distance <= radius) pairs++;
    }
  }
  return pairs;
});
say("plain scan", few, scanned);

if (python) {
  const folder = await mkdtemp(join(tmpdir(), "lookups-"));
  const [a, b] = [join(folder, "stored"), join(folder, "probes")];
  await writeFile(a, Buffer.from(stored.buffer));
  await writeFile(b, Buffer.from(probes.buffer));
  const peers = fileURLToPath(new URL("peers.py", import.meta.url));
  spawnSync(python, [peers, a, b, String(radius), String(some), String(few)], { stdio: "inherit" });
  await rm(folder, { recursive: true });
}

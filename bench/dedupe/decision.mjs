// What a release's decision takes: seconds, memory and disk, with its rows on disk as `pairloom release` has them, or all
// in memory. The same rows give the same sha256 either way.
//   npm run build && node bench/dedupe/decision.mjs [rows=300000] [memory]
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { candidateId, releaseSettings } from "@pairloom/config";
import { decideRelease, Spill } from "@pairloom/dedupe";
import { generator, timed } from "./plantedHashes.mjs";

const count = Number(process.argv[2] ?? 300_000);
const inMemory = process.argv[3] === "memory";
let random;
const hex = (text) => createHash("sha256").update(text).digest("hex");
const words = "red blue small large old new street river mountain house cat dog boat tree field night".split(
  " ",
);
const phrase = (n) => Array.from({ length: n }, () => words[random() % words.length]).join(" ");

/** Every tenth picture is a near double of one before, every twentieth URL was met before. */
function rowOf(i) {
  const of = i % 10 === 9 ? random() % i : i;
  const pdq = Buffer.from(hex(`pdq ${of}`), "hex");
  if (of !== i) for (let bit = 0; bit < random() % 20; bit++) pdq[random() & 31] ^= 1 << (random() & 7);
  const url = i % 20 === 19 ? i - 1 : i;
  const imageUrl = `https://images.host-${url % 997}.example/pictures/2024/${hex(`url ${url}`).slice(0, 20)}.jpg`;
  const candidate = {
    imageUrl,
    texts: [
      { kind: "alt", text: `${phrase(8)} ${i}` },
      { kind: "title", text: phrase(4) },
    ],
    pageUrl: `https://www.host-${i % 997}.example/articles/${i >> 2}`,
    query: null,
    source: "search",
    licence: null,
    language: "en",
    optOuts: [],
  };
  const id = candidateId(candidate);
  const { optOuts: _, ...known } = candidate;
  const row = { ...known, candidateId: id, canonicalUrl: imageUrl, member: `${id}.jpg`, reason: null };
  const answer = { errorMessage: null, httpStatus: 200, finalUrl: imageUrl, width: 256, height: 192 };
  const picture = {
    originalWidth: 600 + (i % 900),
    originalHeight: 500,
    originalBytes: 90_000,
    originalFormat: "jpeg",
  };
  const hashes = { exif: null, sha256: hex(`bytes ${i}`), pdq: pdq.toString("hex"), pdqQuality: 100 };
  return { segment: `f-1-${Math.floor(i / 200)}`, row: { ...row, ...answer, ...picture, ...hashes } };
}

/** Rows made anew each time, as they would be read from segments. */
function* rows() {
  random = generator(5);
  for (let i = 0; i < count; i++) yield rowOf(i);
}

const folder = await mkdtemp(join(tmpdir(), "pairloom-decision-"));
let diskBytes = 0;
const watch = setInterval(async () => {
  const files = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(folder, file)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  diskBytes = Math.max(
    diskBytes,
    sizes.reduce((sum, size) => sum + size, 0),
  );
}, 1000);
const spill = new Spill(inMemory ? null : { folder: async () => folder });
const { result, seconds, cpuSeconds } = await timed(async () => {
  const { samples, rejected, counts } = await decideRelease(rows(), [], releaseSettings.parse({}), { spill });
  const hash = createHash("sha256");
  for await (const sample of samples) hash.update(JSON.stringify(sample));
  for await (const row of rejected) hash.update(JSON.stringify(row));
  return { counts, sha256: hash.digest("hex") };
});
clearInterval(watch);
await spill.dispose();
await rm(folder, { recursive: true, force: true });
const peakMb = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(
  JSON.stringify({
    rows: count,
    held: inMemory ? "in memory" : "on disk",
    seconds: +seconds.toFixed(1),
    cpuSeconds: +cpuSeconds.toFixed(1),
    microsecondsARow: +((seconds / count) * 1e6).toFixed(1),
    peakMb,
    diskMb: Math.round(diskBytes / 2 ** 20),
    ...result,
  }),
);

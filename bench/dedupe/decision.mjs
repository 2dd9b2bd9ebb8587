// What a release's decision takes: seconds and bytes a row, with near pairs joined at once and looked up one by one.
//   npm run build && node --expose-gc --max-old-space-size=12000 bench/dedupe/decision.mjs [rows=300000]
import { createHash } from "node:crypto";
import { candidateId, releaseSettings } from "@pairloom/config";
import { decideRelease } from "@pairloom/dedupe";
import { generator, timed } from "./plantedHashes.mjs";

const [count = 300_000] = process.argv.slice(2).map(Number);
const random = generator(5);
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

const held = () => {
  globalThis.gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};
const before = held();
const rows = Array.from({ length: count }, (_, i) => rowOf(i));
const rowBytes = (held() - before) / count;
const settings = releaseSettings.parse({});
const lines = [];
let first = null;
for (const [name, joinFrom] of [
  ["joined", 0],
  ["looked up", Infinity],
]) {
  const { result, seconds, cpuSeconds } = await timed(() => decideRelease(rows, [], settings, { joinFrom }));
  lines.push({ near: name, seconds: +seconds.toFixed(1), cpuSeconds: +cpuSeconds.toFixed(1) });
  if (first === null) {
    const decisionBytes = (held() - before) / count - rowBytes;
    lines[0].bytesPerRow = { rows: Math.round(rowBytes), decision: Math.round(decisionBytes) };
    lines[0].counts = result.counts;
    first = JSON.stringify(result.counts);
  } else if (JSON.stringify(result.counts) !== first) throw new Error("the two ways decide differently");
}
console.log(
  JSON.stringify({ rows: count, peakMb: Math.round(process.resourceUsage().maxRSS / 1024), ways: lines }),
);

// recall@10 of --approximate against the exact search, the time of a query, and of making the graph.
//   node bench/search/approximate.mjs [rows=200000] [width=512] [noise=0.8] [folder]
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSearchIndex } from "@pairloom/evaluation";
import { largeIndex } from "./largeIndex.mjs";

const [rows = 200_000, width = 512, noise = 0.8] = process.argv.slice(2, 5).map(Number);
const folder = process.argv[5] || join(tmpdir(), `pairloom-index-${rows}x${width}-${noise}`);
const count = 100;
const queries = await largeIndex(folder, rows, width, count, noise);
const ask = async (index) => {
  const found = [];
  const start = performance.now();
  for (let i = 0; i < count; i++)
    found.push((await index.search(queries.subarray(i * width, (i + 1) * width), 10)).map(({ key }) => key));
  const ms = (performance.now() - start) / count;
  await index.close();
  return { found, ms };
};
const exact = await ask(await openSearchIndex(folder));
const start = performance.now();
const graph = await openSearchIndex(folder, { approximate: true });
const makeSeconds = (performance.now() - start) / 1000;
const opening = performance.now();
await (await openSearchIndex(folder, { approximate: true })).close();
const openMs = performance.now() - opening;
const near = await ask(graph);
const hits = near.found.flatMap((keys, i) => keys.filter((key) => exact.found[i].includes(key))).length;
const round = (value, digits) => Number(value.toFixed(digits));
console.log(
  JSON.stringify({
    rows,
    width,
    noise,
    recallAt10: round(hits / (10 * count), 4),
    exactMs: round(exact.ms, 1),
    approximateMs: round(near.ms, 2),
    makeSeconds: round(makeSeconds, 1),
    openMs: round(openMs, 0),
  }),
);

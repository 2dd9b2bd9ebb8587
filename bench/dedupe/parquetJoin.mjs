// Near doubles of a set of parquet files, as `pairloom doubles` finds them: what reading costs beside the join, and memory.
//   npm run build && node bench/dedupe/parquetJoin.mjs [rows=2000000]
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { column, encodeTable } from "@pairloom/shards";
import { localTable, openParquetTable } from "@pairloom/tables";
import { findDoubles } from "../../services/cli/dist/project/findDoubles.js";
import { hexOf, randomHashes, timed } from "./plantedHashes.mjs";

const [rows = 2_000_000] = process.argv.slice(2).map(Number);
const perFile = 250_000;
const folder = await mkdtemp(join(tmpdir(), "parquet-join-"));
const columns = [
  column("id", "string", "candidate_id"),
  column("pdq", "string"),
  column("quality", "int", "pdq_quality"),
];
const files = [];
let bytes = 0;
for (let from = 0; from < rows; from += perFile) {
  const count = Math.min(perFile, rows - from);
  const hashes = randomHashes(count, from + 1);
  const table = Array.from({ length: count }, (_, i) => {
    const pdq = hexOf(hashes, i);
    return { id: pdq.slice(0, 32), pdq, quality: 100 };
  });
  const file = join(folder, `${files.length}.parquet`);
  await writeFile(file, encodeTable(columns, table));
  bytes += (await stat(file)).size;
  files.push(file);
}
const read = await timed(async () => {
  let values = 0;
  for (const file of files)
    for await (const batch of (
      await openParquetTable(await localTable(file), ["pdq", "pdq_quality"], { batchRows: 100_000 })
    ).read())
      values += batch.length;
  return values;
});
const all = await timed(() => findDoubles(files, { radius: 31, minQuality: 49 }));
await rm(folder, { recursive: true });
const round = (n, digits = 1) => +n.toFixed(digits);
console.log(
  JSON.stringify({
    rows,
    parquetBytesPerRow: round(bytes / rows),
    readUsPerRow: round((read.cpuSeconds * 1e6) / rows, 2),
    all: { seconds: round(all.seconds), cpuSeconds: round(all.cpuSeconds), pairs: all.result.pairs.length },
    peakMb: round(process.resourceUsage().maxRSS / 1024, 0),
  }),
);

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseModelConfig, tensorBytes, tensorDtypes } from "@pairloom/clip";
import { RandomNumbers } from "@pairloom/clip/images";
import { type FeatureTable, normalizeRows } from "../src/featureTable.js";
import { partName, publishPart } from "../src/search/indexPart.js";
import { claimIndex, type SearchKind } from "../src/search/indexRecord.js";

/** Normalised rows around `clusters` centres: neighbours are near one another, as pictures of one thing are. */
export function clusteredRows(rows: number, width: number, seed = 1, clusters = 20): FeatureTable {
  const random = new RandomNumbers(1, "centres");
  const centres = Float32Array.from({ length: clusters * width }, () => random.normal());
  const own = new RandomNumbers(seed, "rows");
  const data = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    const centre = own.integer(0, clusters) * width;
    for (let i = 0; i < width; i++) data[row * width + i] = centres[centre + i]! + 0.7 * own.normal();
  }
  return normalizeRows({ rows, width, data });
}

/** An index folder of these features, in parts of `partRows`, with no model or release behind it. */
export async function writeIndex(
  folder: string,
  table: FeatureTable,
  partRows: number,
  kind: SearchKind = "images",
) {
  await mkdir(folder, { recursive: true });
  const config = parseModelConfig({ embed_dim: table.width, vision_cfg: {}, text_cfg: {} });
  await claimIndex(folder, "none", config);
  for (let block = 0; block * partRows < table.rows; block++) {
    const from = block * partRows;
    const to = Math.min(table.rows, from + partRows);
    const data = table.data.subarray(from * table.width, to * table.width);
    const samples = Array.from({ length: to - from }, (_, i) => ({
      key: String(from + i),
      shard: "00000.tar",
      text: `text ${from + i}`,
      url: null,
      offset: 0,
    }));
    const facts = {
      shard: "00000.tar",
      sha256: "0",
      start: from,
      next: to < table.rows ? to : null,
      skipped: 0,
    };
    await publishPart(
      join(folder, partName(kind, "00000.tar", block)),
      facts,
      { data, width: table.width },
      samples,
    );
  }
}

/** The numbers that half precision keeps. */
export function halved(data: Float32Array): Float32Array {
  const bytes = tensorBytes({ dtype: "F16", shape: [data.length], data });
  return tensorDtypes.F16.decode(Uint8Array.from(bytes).buffer);
}

/** The best rows by looking at each, in plain arithmetic over the stored numbers. */
export function bruteForce(
  query: Float32Array,
  table: FeatureTable,
  count: number,
): { row: number; score: number }[] {
  const stored = halved(table.data);
  return Array.from({ length: table.rows }, (_, row) => {
    let score = 0;
    for (let i = 0; i < table.width; i++) score += query[i]! * stored[row * table.width + i]!;
    return { row, score };
  })
    .sort((a, b) => b.score - a.score || a.row - b.row)
    .slice(0, count);
}

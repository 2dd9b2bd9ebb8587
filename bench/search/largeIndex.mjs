// An index folder of made-up features for the benchmarks: rows around 1,000 centres, as near to one another as pictures
// of one thing are (cosines of about 0.6 within a cluster).
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RandomNumbers } from "@pairloom/clip/images";
import { partName, publishPart } from "../../packages/evaluation/dist/search/indexPart.js";
import { claimIndex } from "../../packages/evaluation/dist/search/indexRecord.js";

const centres = 1000;
const pool = 8192;
const partRows = 50_000;

/**
 * Makes the folder, unless it is there with as many rows.
 *
 * @param noise beside the centres; 50 leaves hardly any centres, the hardest case for a graph
 * @returns `queries` normalised features like those in it
 */
export async function largeIndex(folder, rows, width, queries, noise = 0.8) {
  const random = new RandomNumbers(1, "features");
  const normals = (count) => Float32Array.from({ length: count * width }, () => random.normal());
  const centre = normals(centres);
  const scatter = normals(pool);
  // the same numbers are used again and again, each time turned by another distance
  const fill = (into, at) => {
    const [c, n, turn] = [random.integer(0, centres), random.integer(0, pool), random.integer(0, width)];
    let square = 0;
    for (let i = 0; i < width; i++) {
      const value = centre[c * width + i] + noise * scatter[n * width + ((i + turn) % width)];
      into[at + i] = value;
      square += value * value;
    }
    const scale = 1 / Math.sqrt(square);
    for (let i = 0; i < width; i++) into[at + i] *= scale;
  };
  const asked = new Float32Array(queries * width);
  for (let i = 0; i < queries; i++) fill(asked, i * width);
  const stamp = join(folder, "made.json");
  const made = JSON.stringify({ rows, width, noise });
  if ((await readFile(stamp, "utf8").catch(() => "")) === made) return asked;
  await mkdir(folder, { recursive: true });
  await claimIndex(folder, { version: 2, model: "made up", width });
  for (let start = 0; start < rows; start += partRows) {
    const count = Math.min(partRows, rows - start);
    const data = new Float32Array(count * width);
    for (let row = 0; row < count; row++) fill(data, row * width);
    const samples = Array.from({ length: count }, (_, i) => ({
      key: String(start + i),
      shard: "0",
      text: "",
      url: null,
      offset: 0,
    }));
    const next = start + count < rows ? start + count : null;
    const facts = { shard: "0", sha256: "0", start, next, skipped: 0 };
    await publishPart(
      join(folder, partName("images", "0", start / partRows)),
      facts,
      { data, width },
      samples,
    );
  }
  await writeFile(stamp, made);
  return asked;
}

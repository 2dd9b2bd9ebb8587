// The ceiling of beside.mjs: `WORK=dir node bareSharp.mjs MODE COUNT` scales and encodes the list's files from disk with
// sharp alone, six at once, and writes pictures and seconds to WORK/bareSharp.json.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const sharp = createRequire(new URL("../../packages/image/package.json", import.meta.url))("sharp");
const [mode, count] = process.argv.slice(2);
const work = process.env.WORK;
const names = readFileSync(join(work, "urls.tsv"), "utf8")
  .trim()
  .split("\n")
  .slice(0, Number(count))
  .map((line) => line.split("\t")[1]);
const fit = { border: "contain", center_crop: "cover", keep_ratio_largest: "inside", keep_ratio: "outside" }[
  mode
];
sharp.concurrency(1);
sharp.cache(false);
const start = performance.now();
let next = 0;
const lane = async () => {
  while (next < names.length) {
    await sharp(readFileSync(join(work, "corpus", names[next++])))
      .resize({ width: 256, height: 256, fit, background: "#fff" })
      .flatten({ background: "#fff" })
      .jpeg({ quality: 95, optimiseCoding: false })
      .toBuffer();
  }
};
await Promise.all(Array.from({ length: 6 }, lane));
const seconds = (performance.now() - start) / 1000;
writeFileSync(join(work, "bareSharp.json"), JSON.stringify({ pictures: names.length, seconds }));

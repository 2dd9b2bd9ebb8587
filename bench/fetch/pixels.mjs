// How far stored pixels are from an area average, before encoding: every file of the corpus scaled by pairloom (as
// keep_ratio_largest, 256 px, stored without loss) beside OpenCV's INTER_AREA of the whole original.
//   WORK=dir PAIRLOOM_IMG2DATASET=python node bench/fetch/pixels.mjs [--files 200] [--codecs libvips]
// Prints mean absolute differences of a channel (of 255): the corpus, and classes by format and size.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { imageSettings } from "@pairloom/config";
import { openCodecs, processImage, setupSharp } from "@pairloom/image";

const { values } = parseArgs({
  options: {
    files: { type: "string", default: "100000" },
    codecs: { type: "string", default: "auto" },
  },
});
const work = process.env.WORK;
const out = join(work, "pixels");
rmSync(out, { recursive: true, force: true });
mkdirSync(out);
setupSharp();
const codecs = values.codecs === "auto" ? await openCodecs() : null;
console.log(codecs === null ? "sharp alone" : `with ${JSON.stringify(codecs.libraries)}`);
const settings = imageSettings.parse({
  resizeMode: "keep_ratio_largest",
  encodeFormat: "png",
  encodeQuality: 1,
  computePdq: false,
});
for (const name of readdirSync(join(work, "corpus")).sort().slice(0, Number(values.files))) {
  const image = await processImage(readFileSync(join(work, "corpus", name)), settings, { codecs });
  if (image.status !== "ok") throw new Error(`${name}: ${image.reason}`);
  writeFileSync(join(out, `${name}.png`), image.bytes);
}
const script = fileURLToPath(new URL("pixels.py", import.meta.url));
const done = spawnSync(process.env.PAIRLOOM_IMG2DATASET, [script, join(work, "corpus"), out], {
  stdio: "inherit",
});
process.exitCode = done.status ?? 1;

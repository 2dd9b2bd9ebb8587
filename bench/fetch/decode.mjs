// What decoding, scaling and encoding cost by themselves: pairloom's processImage beside a bare sharp loop over the same
// files in turns, by kind of file. `WORK=dir node bench/fetch/decode.mjs [--rounds 3] [--files 200] [--size 256]`
// Prints milliseconds of processor time a picture (user and system, all threads) and pictures a second.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { imageSettings } from "@pairloom/config";
import { openCodecs, processImage, setupSharp } from "@pairloom/image";

const sharp = createRequire(new URL("../../packages/image/package.json", import.meta.url))("sharp");
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    files: { type: "string", default: "200" },
    size: { type: "string", default: "256" },
  },
});
const folder = join(process.env.WORK, "corpus");
const names = readdirSync(folder).sort().slice(0, Number(values.files));
const files = names.map((name) => ({
  kind: name.split(".").at(-1),
  bytes: readFileSync(join(folder, name)),
}));
const size = Number(values.size);
setupSharp();
const codecs = await openCodecs();
console.log(codecs === null ? "sharp alone" : `with ${JSON.stringify(codecs.libraries)}`);

const bare = (fit) => (bytes) =>
  sharp(bytes)
    .resize({ width: size, height: size, fit, background: "#fff" })
    .flatten({ background: "#fff" })
    .jpeg({ quality: 95, optimiseCoding: false })
    .toBuffer();
const ours = (wish) => {
  const settings = imageSettings.parse({ imageSize: size, computePdq: false, ...wish });
  return (bytes) => processImage(bytes, settings, { codecs });
};
const runs = {
  "bare sharp, border": bare("contain"),
  "pairloom, border": ours({}),
  "pairloom, border, PDQ": ours({ computePdq: true }),
  "bare sharp, keep_ratio_largest": bare("inside"),
  "pairloom, keep_ratio_largest": ours({ resizeMode: "keep_ratio_largest" }),
  "bare sharp, center_crop": bare("cover"),
  "pairloom, center_crop": ours({ resizeMode: "center_crop" }),
};

/** Six at once, as the fetcher has it. */
async function measure(work, some) {
  const [cpu, start] = [process.cpuUsage(), performance.now()];
  let next = 0;
  const lane = async () => {
    while (next < some.length) await work(some[next++].bytes);
  };
  await Promise.all(Array.from({ length: 6 }, lane));
  const { user, system } = process.cpuUsage(cpu);
  return {
    cpuMs: (user + system) / 1000 / some.length,
    perSecond: (1000 * some.length) / (performance.now() - start),
  };
}

const best = {};
for (let round = 0; round < Number(values.rounds); round++) {
  for (const [name, work] of Object.entries(runs)) {
    for (const kind of ["jpg", "png", "webp", "all"]) {
      const some = kind === "all" ? files : files.filter((file) => file.kind === kind);
      const { cpuMs, perSecond } = await measure(work, some);
      const kept = ((best[name] ??= {})[kind] ??= { cpuMs: Infinity, perSecond: 0 });
      kept.cpuMs = Math.min(kept.cpuMs, cpuMs);
      kept.perSecond = Math.max(kept.perSecond, perSecond);
    }
  }
}
for (const [name, kinds] of Object.entries(best)) {
  const shown = Object.entries(kinds).map(([kind, { cpuMs }]) => `${kind} ${cpuMs.toFixed(2)}`);
  console.log(`${name.padEnd(32)} ms/picture: ${shown.join("  ")}  (${kinds.all.perSecond.toFixed(0)}/s)`);
}

// What decoding, scaling and encoding cost by themselves: pairloom's processImage beside a bare sharp loop over the same
// files in turns, by kind of file. `WORK=dir node bench/fetch/decode.mjs [--rounds 3] [--files 200] [--size 256]`
// `--made 20` takes, in place of files, as many JPEGs made here of each kind: plain, with sRGB's profile, with EXIF data,
// and with EXIF data that turn them.
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
    made: { type: "string" },
  },
});

function corpus() {
  const folder = join(process.env.WORK, "corpus");
  const names = readdirSync(folder).sort().slice(0, Number(values.files));
  return names.map((name) => ({ kind: name.split(".").at(-1), bytes: readFileSync(join(folder, name)) }));
}

async function made(count) {
  const exif = { IFD0: { Make: "Camera Works" }, IFD2: { FNumber: "28/10" } };
  const dressed = {
    plain: (picture) => picture,
    srgb: (picture) => picture.withIccProfile("srgb"),
    exif: (picture) => picture.withExif(exif),
    turned: (picture) => picture.withExif(exif),
  };
  // sharp writes an orientation other than 1 only together with a profile.
  const orientation = Buffer.from([0x12, 1, 3, 0, 1, 0, 0, 0, 1]);
  const files = [];
  for (let i = 0; i < count; i++) {
    const noise = { type: "gaussian", mean: 128, sigma: 60 };
    const raw = { width: 1000 + 8 * i, height: 750, channels: 3 };
    const data = await sharp({ create: { ...raw, background: "#777", noise } })
      .blur(1.5)
      .raw()
      .toBuffer();
    for (const [kind, dress] of Object.entries(dressed)) {
      const bytes = await dress(sharp(data, { raw }).jpeg({ quality: 85 })).toBuffer();
      if (kind === "turned") bytes[bytes.indexOf(orientation) + 8] = 6;
      files.push({ kind, bytes });
    }
  }
  return files;
}

const files = values.made === undefined ? corpus() : await made(Number(values.made));
const kinds = [...new Set(files.map(({ kind }) => kind)), "all"];
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
    for (const kind of kinds) {
      const some = kind === "all" ? files : files.filter((file) => file.kind === kind);
      const { cpuMs, perSecond } = await measure(work, some);
      const kept = ((best[name] ??= {})[kind] ??= { cpuMs: Infinity, perSecond: 0 });
      kept.cpuMs = Math.min(kept.cpuMs, cpuMs);
      kept.perSecond = Math.max(kept.perSecond, perSecond);
    }
  }
}
for (const [name, byKind] of Object.entries(best)) {
  const shown = Object.entries(byKind).map(([kind, { cpuMs }]) => `${kind} ${cpuMs.toFixed(2)}`);
  console.log(`${name.padEnd(32)} ms/picture: ${shown.join("  ")}  (${byKind.all.perSecond.toFixed(0)}/s)`);
}

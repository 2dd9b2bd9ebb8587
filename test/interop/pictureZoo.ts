import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp, { type Sharp } from "sharp";

export interface ZooPicture {
  file: string;
  /** What it must look like when upright on white: the file of that picture. */
  looksLike: string;
  /** Largest mean difference of a channel (of 255) that its format's losses explain. */
  within: number;
}

const has = (command: string) => spawnSync(command, ["-version"], { stdio: "ignore" }).error === undefined;
const magick = ["magick", "convert-im6.q16"].find(has);

/** The programs of the zoo that this machine lacks. */
export const zooLacks = [
  ...(magick === undefined ? ["ImageMagick"] : []),
  ...["cwebp", "avifenc"].filter((name) => !has(name)),
];

/** Layers of smooth colour with edges and some grain, landscape, odd sides. */
async function basePicture(width: number, height: number): Promise<Sharp> {
  const pixels = Buffer.alloc(width * height * 3);
  let state = 12345;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const grain = (state >>> 27) - 16;
      const inside = (x - 200) ** 2 + (y - 120) ** 2 < 70 ** 2 ? 60 : 0;
      const at = (y * width + x) * 3;
      pixels[at] = Math.min(255, Math.max(0, (230 * x) / width + grain));
      pixels[at + 1] = Math.min(255, Math.max(0, (200 * y) / height + inside + grain));
      pixels[at + 2] = Math.min(255, Math.max(0, 90 + inside * 2 + grain));
    }
  }
  return sharp(
    await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  );
}

/** Draws a zoo of picture files into a folder by sharp, Pillow, ImageMagick, cwebp and avifenc. */
export async function drawZoo(folder: string, python: string): Promise<ZooPicture[]> {
  const zoo: ZooPicture[] = [];
  const add = (file: string, within: number, looksLike = "base.png") => zoo.push({ file, within, looksLike });
  const at = (name: string) => join(folder, name);
  const base = await basePicture(401, 301);
  await base.clone().png().toFile(at("base.png"));

  for (let orientation = 1; orientation <= 8; orientation++) {
    const turned = await turnedFor(base, orientation);
    await sharp(turned)
      .withMetadata({ orientation })
      .jpeg({ quality: 97, chromaSubsampling: "4:4:4" })
      .toFile(at(`sharp-orientation-${orientation}.jpg`));
    add(`sharp-orientation-${orientation}.jpg`, 3);
  }
  const draw = async (name: string, picture: Sharp, within: number, looksLike?: string) => {
    await picture.toFile(at(name));
    add(name, within, looksLike);
  };
  await draw("sharp-16-bit.png", base.clone().toColourspace("rgb16").png(), 1);
  await draw("sharp-progressive.jpg", base.clone().jpeg({ quality: 97, progressive: true }), 4);
  await draw(
    "sharp-p3.jpg",
    base.clone().withIccProfile("p3").jpeg({ quality: 97, chromaSubsampling: "4:4:4" }),
    6,
  );
  await draw("sharp-lossless.webp", base.clone().webp({ lossless: true }), 1);
  await draw("sharp.avif", base.clone().avif({ quality: 90 }), 5);
  await draw("sharp.gif", base.clone().gif(), 8);

  const run = (command: string, args: string[]) => {
    const done = spawnSync(command, args, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`${command} ${args.join(" ")}: ${done.stderr}`);
    return done.stdout;
  };
  if (magick !== undefined) {
    run(magick, [at("base.png"), "-colorspace", "CMYK", "-quality", "97", at("magick-cmyk.jpg")]);
    add("magick-cmyk.jpg", 30); // Without a profile ink is a matter of opinion.
    run(magick, [at("base.png"), "-interlace", "PNG", at("magick-interlaced.png")]);
    add("magick-interlaced.png", 1);
    run(magick, [at("base.png"), "(", "+clone", "-negate", ")", "-loop", "0", at("magick-animated.gif")]);
    add("magick-animated.gif", 8);
  }
  if (!zooLacks.includes("cwebp")) {
    run("cwebp", ["-quiet", "-q", "95", at("base.png"), "-o", at("cwebp.webp")]);
    add("cwebp.webp", 6);
  }
  if (!zooLacks.includes("avifenc")) {
    run("avifenc", ["--min", "5", "--max", "10", "-s", "8", at("base.png"), at("avifenc.avif")]);
    add("avifenc.avif", 5);
  }

  const script = fileURLToPath(new URL("img2dataset_reference.py", import.meta.url));
  const pillow = JSON.parse(run(python, [script, "draw", folder])) as string[];
  const rgba = await sharp(await readFile(at("pillow-alpha.png")))
    .flatten({ background: "#fff" })
    .png()
    .toBuffer();
  await writeFile(at("on-white.png"), rgba);
  await sharp(await readFile(at("base.png")))
    .rotate(90)
    .png()
    .toFile(at("turned.png"));
  const looks: Record<string, [looksLike: string, within: number]> = {
    "pillow-orientation-6.jpg": ["turned.png", 3],
    "pillow-cmyk.jpg": ["base.png", 30],
    "pillow-grey.jpg": ["grey.png", 2],
    "pillow-grey-16.png": ["grey.png", 2],
    "pillow-alpha.png": ["on-white.png", 1],
    "pillow-alpha.webp": ["on-white.png", 2],
    "pillow-palette.png": ["base.png", 12],
    "pillow-animated.gif": ["base.png", 12],
    "pillow-one-bit.png": ["pillow-one-bit.png", 1],
  };
  for (const file of pillow) add(file, ...([looks[file]?.[1] ?? 4, looks[file]?.[0]] as [number, string?]));
  return zoo;
}

/** The picture as a camera that notes this orientation would have stored it. */
async function turnedFor(base: Sharp, orientation: number): Promise<Buffer> {
  const undo: Record<number, (picture: Sharp) => Sharp> = {
    1: (picture) => picture,
    2: (picture) => picture.flop(),
    3: (picture) => picture.rotate(180),
    4: (picture) => picture.flip(),
    5: (picture) => picture.rotate(270).flop(),
    6: (picture) => picture.rotate(270),
    7: (picture) => picture.rotate(90).flop(),
    8: (picture) => picture.rotate(90),
  };
  return undo[orientation]!(sharp(await base.clone().png().toBuffer()))
    .png()
    .toBuffer();
}

/** Mean difference of a channel, of 255, of two picture files' pixels; infinite where their sizes differ. */
export async function meanDifference(a: string | Buffer, b: string | Buffer): Promise<number> {
  const raw = async (file: string | Buffer) =>
    sharp(typeof file === "string" ? await readFile(file) : file)
      .toColourspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
  const [one, two] = [await raw(a), await raw(b)];
  if (one.info.width !== two.info.width || one.info.height !== two.info.height) return Infinity;
  const [m, n] = [one.info.channels, two.info.channels];
  const count = one.info.width * one.info.height;
  let sum = 0;
  for (let i = 0; i < count; i++)
    for (let c = 0; c < 3; c++)
      sum += Math.abs(one.data[i * m + (m < 3 ? 0 : c)]! - two.data[i * n + (n < 3 ? 0 : c)]!);
  return sum / (count * 3);
}

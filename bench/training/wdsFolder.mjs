// A release-like webdataset folder of seed-made JPEGs: colours that flow, some grain, captions of words.
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { packTar } from "@pairloom/shards";
import sharp from "sharp";

const perShard = 2000;
const words = "a red blue old small photo of the dog house near river at night two boats on grey water".split(
  " ",
);

function* bytesOf(seed) {
  let state = (seed * 2654435761 + 1) >>> 0;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 24;
  }
}

async function picture(i, side, grain) {
  const bytes = bytesOf(i);
  const small = Uint8Array.from({ length: 24 * 24 * 3 }, () => bytes.next().value);
  const pixels = await sharp(small, { raw: { width: 24, height: 24, channels: 3 } })
    .resize(side, side, { fit: "fill" })
    .raw()
    .toBuffer();
  const shift = (i * 7919) % (grain.length - pixels.length);
  for (let k = 0; k < pixels.length; k++) {
    pixels[k] = Math.max(0, Math.min(255, pixels[k] + ((grain[shift + k] - 128) >> 4)));
  }
  return sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** Writes the folder unless it is there. */
export async function makeWdsFolder(folder, samples, side) {
  if (existsSync(join(folder, "sizes.json"))) return;
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  const noise = bytesOf(0);
  const grain = Uint8Array.from({ length: side * side * 6 }, () => noise.next().value);
  const sizes = {};
  for (let start = 0; start < samples; start += perShard) {
    const shard = String(start / perShard).padStart(5, "0");
    const count = Math.min(perShard, samples - start);
    const members = [];
    for (let i = 0; i < count; i++) {
      const key = `${shard}${String(i).padStart(4, "0")}`;
      const bytes = bytesOf(start + i + 1);
      const length = 6 + (bytes.next().value % 12);
      const caption = Array.from({ length }, () => words[bytes.next().value % words.length]).join(" ");
      members.push({ name: `${key}.jpg`, data: await picture(start + i + 1, side, grain) });
      members.push({ name: `${key}.txt`, data: Buffer.from(caption) });
      members.push({ name: `${key}.json`, data: Buffer.from(JSON.stringify({ key, caption })) });
    }
    const parts = [];
    for await (const part of packTar(members)) parts.push(part);
    await writeFile(join(partial, `${shard}.tar`), Buffer.concat(parts));
    sizes[`${shard}.tar`] = count;
  }
  await writeFile(join(partial, "sizes.json"), JSON.stringify(sizes));
  await rename(partial, folder);
}

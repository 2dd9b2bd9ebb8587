import type { ChosenSample } from "@pairloom/shards";
import sharp, { type OverlayOptions } from "sharp";
import { escapeHtml } from "./escapeHtml.js";
import { printable } from "../terminal/printable.js";

const [side, gap, captionHeight, columns] = [224, 16, 66, 6];
const [ground, card, frame, ink] = ["#f5f6f8", "#ffffff", "#e6e9ee", "#1d2733"];

export interface ContactSheet {
  png: Buffer;
  /** Keys of samples whose picture can't be decoded: their place is empty. */
  undecodable: string[];
}

/**
 * Samples side by side as one PNG: pictures within 224 pixels, their captions below in up to three lines (left out where
 * the machine has no font). Needs `setupSharp()`.
 */
export async function contactSheet(samples: readonly ChosenSample[]): Promise<ContactSheet> {
  const across = Math.max(1, Math.min(columns, samples.length));
  const down = Math.max(1, Math.ceil(samples.length / across));
  const [tileWidth, tileHeight] = [side + gap, side + captionHeight + gap];
  const undecodable: string[] = [];
  const layers: OverlayOptions[] = [];
  for (const [i, sample] of samples.entries()) {
    const left = gap + (i % across) * tileWidth;
    const top = gap + Math.floor(i / across) * tileHeight;
    layers.push({ input: plain(side, side + captionHeight, card), left, top });
    layers.push({ input: plain(side, side, frame), left, top });
    const picture = await thumbnail(sample.image);
    if (picture === null) undecodable.push(sample.key);
    else {
      const { data, width, height } = picture;
      const inset = { left: left + ((side - width) >> 1), top: top + ((side - height) >> 1) };
      layers.push({ input: data, ...inset });
    }
    const text = await captionPicture(picture === null ? `(no picture) ${sample.text}` : sample.text);
    if (text !== null) layers.push({ input: text, left: left + 8, top: top + side + 6 });
  }
  const [width, height] = [gap + across * tileWidth, gap + down * tileHeight];
  const png = await sharp({ create: { width, height, channels: 3, background: ground } })
    .composite(layers)
    .png()
    .toBuffer();
  return { png, undecodable };
}

const plain = (width: number, height: number, background: string) => ({
  create: { width, height, channels: 3 as const, background },
});

async function thumbnail(bytes: Uint8Array): Promise<{ data: Buffer; width: number; height: number } | null> {
  try {
    const { data, info } = await sharp(bytes, { failOn: "none", limitInputPixels: 2 ** 28 })
      .autoOrient()
      .resize(side, side, { fit: "inside", withoutEnlargement: true })
      .flatten({ background: "#ffffff" })
      .toColourspace("srgb")
      .png({ compressionLevel: 1 })
      .toBuffer({ resolveWithObject: true });
    return { data, width: info.width, height: info.height };
  } catch {
    return null;
  }
}

/** A caption as Pango draws it; it reads markup, so what strangers wrote is escaped. Null where it can't be drawn. */
async function captionPicture(text: string): Promise<Buffer | null> {
  const line = [...printable(text).replaceAll(/\s+/gu, " ").trim().toWellFormed()];
  const shown = line.length > 84 ? `${line.slice(0, 82).join("")}…` : line.join("");
  if (shown === "") return null;
  const markup = `<span foreground="${ink}">${escapeHtml(shown)}</span>`;
  const [width, maxHeight] = [side - 16, captionHeight - 12];
  try {
    const drawn = sharp({ text: { text: markup, font: "sans 9", width, rgba: true, wrap: "word-char" } });
    const { data, info } = await drawn.png().toBuffer({ resolveWithObject: true });
    if (info.height <= maxHeight && info.width <= width) return data;
    const part = {
      left: 0,
      top: 0,
      width: Math.min(width, info.width),
      height: Math.min(maxHeight, info.height),
    };
    return await sharp(data).extract(part).png().toBuffer();
  } catch {
    return null;
  }
}

import sharp from "sharp";
import { sixelPicture } from "./sixelPicture.js";
import type { PictureProtocol } from "./pictureProtocol.js";

/** A thumbnail's place in the terminal: a square, since a character is about twice as high as wide. */
const rows = 5;
const columns = 10;
/** Pixels of a thumbnail that the terminal scales itself, and of one that it doesn't. */
const side = 160;
const sixelSide = 96;

/**
 * Lines of text with a thumbnail to their left.
 *
 * @param picture encoded; null leaves its place empty
 * @param lines at most five are beside the picture, the others below
 */
export async function besidePicture(
  protocol: PictureProtocol,
  picture: Uint8Array | null,
  lines: readonly string[],
): Promise<string> {
  if (protocol === "none") return lines.map((line) => `${line}\n`).join("");
  const height = Math.max(rows, lines.length);
  const padded = Array.from({ length: height }, (_, row) => lines[row] ?? "");
  if (protocol === "blocks") {
    const blocks = picture === null ? [] : await blockLines(picture);
    return padded.map((line, row) => `${blocks[row] ?? " ".repeat(columns)}  ${line}\n`).join("");
  }
  const shown = picture === null ? "" : await inlinePicture(protocol, picture);
  // room is made first: a picture drawn at the screen's end would scroll away from where the text goes
  const room = `${"\n".repeat(height)}\x1b[${height}A`;
  const text = padded.map((line) => `\r\x1b[${columns + 2}C${line}\n`).join("");
  return `${room}\x1b7${shown}\x1b8${text}`;
}

async function inlinePicture(protocol: "kitty" | "iterm" | "sixel", picture: Uint8Array): Promise<string> {
  if (protocol === "sixel") {
    const { data, info } = await square(picture, sixelSide, { r: 0, g: 0, b: 0, alpha: 1 })
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return sixelPicture(data, info.width, info.height);
  }
  const png = await square(picture, side, { r: 0, g: 0, b: 0, alpha: 0 }).png().toBuffer();
  const base64 = png.toString("base64");
  return protocol === "iterm"
    ? `\x1b]1337;File=inline=1;size=${png.length};width=${columns};height=${rows}:${base64}\x07`
    : kittyPicture(base64);
}

/** Kitty takes a picture in pieces of at most 4,096 characters; q=2 keeps it from answering. */
function kittyPicture(base64: string): string {
  const pieces = base64.match(/.{1,4096}/g) ?? [];
  return pieces
    .map((piece, i) => {
      const more = i + 1 < pieces.length ? 1 : 0;
      const keys = i === 0 ? `a=T,f=100,c=${columns},r=${rows},q=2,m=${more}` : `m=${more}`;
      return `\x1b_G${keys};${piece}\x1b\\`;
    })
    .join("");
}

/** Two pixels a character, one above the other: the upper in front of the lower. */
async function blockLines(picture: Uint8Array): Promise<string[]> {
  const data = await square(picture, columns, { r: 0, g: 0, b: 0, alpha: 1 }).removeAlpha().raw().toBuffer();
  const colour = (row: number, column: number) =>
    [...data.subarray((row * columns + column) * 3, (row * columns + column) * 3 + 3)].join(";");
  return Array.from({ length: rows }, (_, line) => {
    const cells = Array.from(
      { length: columns },
      (_, column) => `\x1b[38;2;${colour(2 * line, column)};48;2;${colour(2 * line + 1, column)}m▀`,
    );
    return `${cells.join("")}\x1b[0m`;
  });
}

function square(
  picture: Uint8Array,
  side: number,
  background: { r: number; g: number; b: number; alpha: number },
) {
  return sharp(picture, { failOn: "none" })
    .toColourspace("srgb")
    .ensureAlpha()
    .resize(side, side, { fit: "contain", background })
    .flatten(background.alpha === 1 ? { background } : false);
}

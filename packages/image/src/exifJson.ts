import { exifTags, gpsTags, imageTags, tagWords } from "./exifTags.js";

/** Bytes of one value of each TIFF type: byte, ASCII, short, long, ratio, sbyte, undefined, sshort, slong, sratio, float, double. */
const typeBytes = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];
/** Tags, values of a tag and characters of a text that are looked at: more is no photograph's. */
const maxTags = 200;
const maxValues = 32;
const maxCharacters = 1000;

/**
 * The tags of an EXIF block as JSON of texts, keyed as img2dataset writes them ("Image Make", "EXIF FNumber",
 * "GPS GPSLatitude"). Maker notes, thumbnails and comments are left out. Null where nothing can be read; never throws.
 * @param exif begins with "Exif\0\0" or with the TIFF header
 */
export function exifJson(exif: Buffer): string | null {
  const tiff = exif.toString("latin1", 0, 4) === "Exif" ? exif.subarray(6) : exif;
  const order = tiff.toString("latin1", 0, 2);
  if ((order !== "II" && order !== "MM") || tiff.length < 8) return null;
  const block = new ExifBlock(tiff, order === "II");
  block.readDirectory(block.long(4), "Image", imageTags);
  if (block.exifAt !== null) block.readDirectory(block.exifAt, "EXIF", exifTags);
  if (block.gpsAt !== null) block.readDirectory(block.gpsAt, "GPS", gpsTags);
  return Object.keys(block.found).length === 0 ? null : JSON.stringify(block.found);
}

class ExifBlock {
  readonly found: Record<string, string> = {};
  exifAt: number | null = null;
  gpsAt: number | null = null;
  private tags = 0;

  constructor(
    private readonly tiff: Buffer,
    private readonly little: boolean,
  ) {}

  long(at: number): number {
    return this.little ? this.tiff.readUInt32LE(at) : this.tiff.readUInt32BE(at);
  }

  readDirectory(at: number, group: string, names: Readonly<Record<number, string>>): void {
    if (at + 2 > this.tiff.length) return;
    const count = this.short(at);
    for (let i = 0; i < count && this.tags < maxTags; i++, this.tags++) {
      const entry = at + 2 + i * 12;
      if (entry + 12 > this.tiff.length) return;
      const tag = this.short(entry);
      if (tag === 0x8769 && group === "Image") this.exifAt = this.long(entry + 8);
      if (tag === 0x8825 && group === "Image") this.gpsAt = this.long(entry + 8);
      const name = names[tag];
      const text = name === undefined ? null : this.value(name, entry);
      if (text !== null && text !== "") this.found[`${group} ${name}`] = text;
    }
  }

  private short(at: number): number {
    return this.little ? this.tiff.readUInt16LE(at) : this.tiff.readUInt16BE(at);
  }

  private value(name: string, entry: number): string | null {
    const type = this.short(entry + 2);
    const count = this.long(entry + 4);
    const size = typeBytes[type] ?? 0;
    if (size === 0 || count === 0 || size * count > this.tiff.length) return null;
    const at = size * count <= 4 ? entry + 8 : this.long(entry + 8);
    if (at + size * count > this.tiff.length) return null;
    const bytes = this.tiff.subarray(at, at + size * count);
    if (type === 2 || (type === 7 && /Version$/.test(name))) return textOf(bytes);
    const values = Array.from({ length: Math.min(count, maxValues) }, (_, i) =>
      this.number(type, at + i * size),
    );
    const words = tagWords[name]?.[Number(values[0])];
    if (values.length === 1) return words ?? values[0]!;
    return `[${values.join(", ")}]`;
  }

  /** One number as text; ratios in lowest terms. */
  private number(type: number, at: number): string {
    const { tiff, little } = this;
    switch (type) {
      case 3:
        return String(this.short(at));
      case 4:
        return String(this.long(at));
      case 5:
        return ratio(this.long(at), this.long(at + 4));
      case 6:
        return String(tiff.readInt8(at));
      case 8:
        return String(little ? tiff.readInt16LE(at) : tiff.readInt16BE(at));
      case 9:
        return String(this.signedLong(at));
      case 10:
        return ratio(this.signedLong(at), this.signedLong(at + 4));
      case 11:
        return String(little ? tiff.readFloatLE(at) : tiff.readFloatBE(at));
      case 12:
        return String(little ? tiff.readDoubleLE(at) : tiff.readDoubleBE(at));
      default:
        return String(tiff[at]);
    }
  }

  private signedLong(at: number): number {
    return this.long(at) | 0;
  }
}

function ratio(above: number, below: number): string {
  let [a, b] = [Math.abs(above), Math.abs(below)];
  while (b !== 0) [a, b] = [b, a % b];
  if (a === 0 || below === 0) return below === 0 ? `${above}/${below}` : "0";
  return below / a === 1 ? String(above / a) : `${above / a}/${below / a}`;
}

/** UTF-8 where it is that, else Latin-1; up to the first NUL. */
function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  const used = bytes.subarray(0, Math.min(end < 0 ? bytes.length : end, maxCharacters));
  const utf8 = used.toString("utf8");
  return (utf8.includes("\ufffd") ? used.toString("latin1") : utf8).trim();
}

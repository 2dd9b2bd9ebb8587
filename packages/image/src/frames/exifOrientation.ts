const orientationTag = 0x0112;
const short = 3;
/** What libexif reads at most. */
const maxBytes = 0xfff8;

/**
 * How a picture is to be turned by its EXIF block: 1 (upright, also where nothing is said or makes no sense) to 8; null
 * where the block isn't as it should be, since readers disagree then. Never throws.
 * @param exif begins with "Exif\0\0" or with the TIFF header
 */
export function exifOrientation(exif: Buffer): number | null {
  const tiff = exif.toString("latin1", 0, 6) === "Exif\0\0" ? exif.subarray(6) : exif;
  if (tiff.length < 8 || tiff.length > maxBytes) return null;
  const head = tiff.toString("latin1", 0, 4);
  if (head !== "II*\0" && head !== "MM\0*") return null;
  const readShort = (at: number): number =>
    head === "II*\0" ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at);
  const readLong = (at: number): number => (head === "II*\0" ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));

  const directory = readLong(4);
  if (directory + 2 > tiff.length) return null;
  const end = directory + 2 + 12 * readShort(directory);
  if (end > tiff.length) return null;
  let orientation = 1;
  for (let entry = directory + 2, before = -1; entry < end; entry += 12) {
    // Entries stand in the order of their tags (TIFF 6.0, section 2), so none comes twice.
    const tag = readShort(entry);
    if (tag <= before) return null;
    before = tag;
    if (tag !== orientationTag) continue;
    if (readShort(entry + 2) !== short || readLong(entry + 4) !== 1) return null;
    const value = readShort(entry + 8);
    if (value >= 1 && value <= 8) orientation = value;
  }
  return orientation;
}

/** Raster formats that can be taken. */
export const rasterFormats = ["jpeg", "png", "webp", "gif", "avif", "tiff"] as const;
export type RasterFormat = (typeof rasterFormats)[number];

/** `raster`: may be decoded; `refused`: a picture or document of a kind that is not taken; `unknown`: anything else. */
export type Sniffed =
  { kind: "raster"; format: RasterFormat } | { kind: "refused"; format: string } | { kind: "unknown" };

const ascii = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1", start, end);

/** Says by the first bytes alone what a file is; the server's Content-Type is not asked. */
export function sniffFormat(bytes: Uint8Array): Sniffed {
  const head = ascii(bytes, 0, 16);
  if (head.startsWith("\xff\xd8\xff")) return { kind: "raster", format: "jpeg" };
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return { kind: "raster", format: "png" };
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return { kind: "raster", format: "webp" };
  if (head.startsWith("GIF87a") || head.startsWith("GIF89a")) return { kind: "raster", format: "gif" };
  if (/^(II\*\0|MM\0\*|II\+\0|MM\0\+)/.test(head)) return { kind: "raster", format: "tiff" };
  if (head.slice(4, 8) === "ftyp") return sniffIsoMedia(bytes);
  const refused = refusedSignatures.find(([, signature]) => head.startsWith(signature));
  if (refused) return { kind: "refused", format: refused[0] };
  if (looksLikeSvg(bytes)) return { kind: "refused", format: "svg" };
  return { kind: "unknown" };
}

const refusedSignatures: [string, string][] = [
  ["pdf", "%PDF-"],
  ["postscript", "%!PS"],
  ["bmp", "BM"],
  ["ico", "\0\0\x01\0"],
  ["cursor", "\0\0\x02\0"],
  ["psd", "8BPS"],
  ["jp2", "\0\0\0\x0cjP  \r\n"],
  ["jp2", "\xff\x4f\xff\x51"],
  ["jxl", "\xff\x0a"],
  ["jxl", "\0\0\0\x0cJXL \r\n"],
  ["exr", "\x76\x2f\x31\x01"],
  ["hdr", "#?RADIANCE"],
  ["dds", "DDS "],
  ["gimp", "gimp xcf"],
];

/** ISO base media: the brands in `ftyp` tell AVIF from HEIC and video. */
function sniffIsoMedia(bytes: Uint8Array): Sniffed {
  const size = Math.min(Buffer.from(bytes.buffer, bytes.byteOffset, 4).readUInt32BE(0), 256, bytes.length);
  const brands: string[] = [];
  for (let at = 8; at + 4 <= size; at += 4) if (at !== 12) brands.push(ascii(bytes, at, at + 4));
  if (brands.includes("avif") || brands.includes("avis")) return { kind: "raster", format: "avif" };
  if (brands.some((brand) => /^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand))) {
    return { kind: "refused", format: "heic" };
  }
  return { kind: "unknown" };
}

function looksLikeSvg(bytes: Uint8Array): boolean {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  const head = ascii(bytes, 0, 4096);
  const text = utf16 ? head.replaceAll("\0", "").slice(2) : head;
  return /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*(?:<!DOCTYPE\s+svg[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<(?:\w+:)?svg[\s>]/i.test(
    text,
  );
}

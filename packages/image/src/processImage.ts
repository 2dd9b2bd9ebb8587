import { createHash } from "node:crypto";
import type { ImageSettings, Reason } from "@pairloom/config";
import sharp, { type Sharp } from "sharp";
import type { Codecs } from "./codecs/openCodecs.js";
import { exifJson } from "./exifJson.js";
import { framed, type Pixels } from "./framed.js";
import { type ImageSize, pictureFrame, type PictureFrame } from "./frames/pictureFrame.js";
import { looksCutOff } from "./looksCutOff.js";
import { pdqHash } from "./pdqHash.js";
import { type ResizePlan, resizePlan } from "./resizePlan.js";
import { type RasterFormat, sniffFormat } from "./sniffFormat.js";
import { turned, turnedSize } from "./turned.js";

export interface ProcessedImage {
  status: "ok";
  /** The picture as it is to be stored. */
  bytes: Buffer;
  /** Pixels as stored. */
  width: number;
  height: number;
  /** Pixels as fetched, after EXIF orientation. */
  originalWidth: number;
  originalHeight: number;
  originalFormat: RasterFormat;
  /** JSON of the EXIF tags as img2dataset writes it, or null where there are none. */
  exif: string | null;
  /** Hex sha256 of the bytes as fetched. */
  sha256: string;
  /** Null where `computePdq` is off. */
  pdq: string | null;
  pdqQuality: number | null;
}

export interface FailedImage {
  status: "failed";
  reason: Reason;
  errorMessage: string | null;
}

export interface ProcessOptions {
  /** Take TIFF as well (`setupSharp({tiff: true})` must have been called). */
  tiff?: boolean;
  /** Take ordinary pictures in place of sharp. */
  codecs?: Codecs | null;
}

const white = { r: 255, g: 255, b: 255 };
const failed = (reason: Reason, errorMessage: string | null = null): FailedImage => ({
  status: "failed",
  reason,
  errorMessage,
});

/**
 * Decodes, turns upright, scales, encodes and hashes one picture. What can be wrong with a picture is a value, not an
 * exception. Needs `setupSharp()` in this process.
 * The header's size is checked before a pixel is decoded; a picture that breaks off is refused, mere warnings pass;
 * colour profiles, CMYK, 16 bits, palettes and grey become 8-bit sRGB, alpha becomes white, of an animation the first
 * frame is taken. The same bytes and settings give the same result, byte for byte, with the same libraries.
 */
export async function processImage(
  bytes: Buffer,
  settings: ImageSettings,
  options: ProcessOptions = {},
): Promise<ProcessedImage | FailedImage> {
  if (bytes.length === 0) return failed("empty_body");
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind === "unknown") return failed("not_an_image");
  if (sniffed.kind === "refused") return failed("format_refused", sniffed.format);
  if (sniffed.format === "tiff" && !options.tiff) return failed("format_refused", "tiff");

  try {
    const codecs = options.codecs ?? null;
    const frame = pictureFrame(bytes, sniffed.format);
    // What would be kept as it is must be known better.
    const known = frame === null || settings.skipReencode ? null : headerOf(frame);
    const header = known ?? (await readHeader(bytes));
    const { width, height, orientation } = header;
    const refusal = checkSize(width, height, settings);
    if (refusal) return refusal;
    const plan = resizePlan(width, height, settings);
    const isKept = settings.skipReencode && isAsWanted(header, sniffed.format, plan, settings);
    const scaledTo = (size: ImageSize): Pixels | null => {
      const pixels = frame && (codecs?.decode(bytes, frame, turnedSize(size, orientation)) ?? null);
      return pixels && turned(pixels, orientation);
    };
    const picture = { bytes, width, height, scaledTo };
    const { stored, pdq } = await decodeAndEncode(picture, plan, isKept, settings, codecs);
    return {
      status: "ok",
      bytes: stored,
      width: plan.width,
      height: plan.height,
      originalWidth: width,
      originalHeight: height,
      originalFormat: sniffed.format,
      exif: header.exif === undefined ? null : exifJson(header.exif),
      sha256: createHash("sha256").update(bytes).digest("hex"),
      pdq: pdq?.pdq ?? null,
      pdqQuality: pdq?.pdqQuality ?? null,
    };
  } catch (error) {
    const message = (error instanceof Error ? error.message : String(error)).split("\n", 1)[0]!;
    return failed(looksCutOff(bytes, sniffed.format) ? "decode_truncated" : "decode_failed", message);
  }
}

interface Header {
  /** Pixels, upright. */
  width: number;
  height: number;
  /** EXIF's, of the pixels in the file. */
  orientation: number;
  exif: Buffer | undefined;
  /** One upright picture of 8-bit sRGB or grey without alpha or profile. */
  isPlain: boolean;
}

/** What is needed unless the file may be kept; null where EXIF data are to be read by libvips. */
function headerOf(frame: PictureFrame): Header | null {
  const { orientation, exif } = frame;
  if (orientation === null) return null;
  return { ...turnedSize(frame, orientation), orientation, exif, isPlain: false };
}

async function readHeader(bytes: Buffer): Promise<Header> {
  const metadata = await sharp(bytes, { failOn: "none", limitInputPixels: false }).metadata();
  const { width, height } = metadata.autoOrient;
  const orientation = metadata.orientation ?? 1;
  const isPlain =
    orientation === 1 &&
    (metadata.space === "srgb" || metadata.space === "b-w") &&
    metadata.depth === "uchar" &&
    !metadata.hasAlpha &&
    !metadata.hasProfile &&
    (metadata.pages ?? 1) === 1;
  return { width, height, orientation, exif: metadata.exif, isPlain };
}

/** Whether the file as fetched is what would be stored, but for another round of encoding. */
function isAsWanted(
  header: Header,
  format: RasterFormat,
  plan: ResizePlan,
  settings: ImageSettings,
): boolean {
  const isSameSize = plan.width === header.width && plan.height === header.height;
  const wanted = settings.encodeFormat === "jpg" ? "jpeg" : settings.encodeFormat;
  return header.isPlain && isSameSize && plan.crop === null && plan.pad === null && format === wanted;
}

function checkSize(width: number, height: number, settings: ImageSettings): FailedImage | null {
  const size = `${width}x${height}`;
  const area = width * height;
  if (area > settings.maxHeaderPixels || area > settings.maxImageArea) return failed("too_many_pixels", size);
  if (Math.min(width, height) < settings.minImageSize) return failed("too_small", size);
  const ratio = Math.max(width, height) / Math.min(width, height);
  return ratio > settings.maxAspectRatio ? failed("aspect_ratio", size) : null;
}

/** Shortest long side that PDQ is computed on (where the original has it): smaller ones drift from the full picture's hash. */
const pdqSide = 256;

/**
 * sharp scales down with Catmull-Rom over libvips' and the JPEG and WebP decoders' own shrinking: nearest to an area
 * average of what costs the same there (docs/fetch.md has the figures).
 */
const kernel = "cubic" as const;

interface Picture extends ImageSize {
  bytes: Buffer;
  /** Its pixels, scaled down, where there is a faster way to them than sharp. */
  scaledTo: (size: ImageSize) => Pixels | null;
}

async function decodeAndEncode(
  { bytes, width, height, scaledTo }: Picture,
  plan: ResizePlan,
  isKept: boolean,
  settings: ImageSettings,
  codecs: Codecs | null,
): Promise<{ stored: Buffer; pdq: ReturnType<typeof pdqHash> | null }> {
  const between = settings.computePdq ? sizeForHash(width, height, plan) : plan.scaled;
  let pixels = scaledTo(between);
  if (pixels === null) {
    const scaling = sharp(bytes, {
      failOn: "truncated",
      limitInputPixels: settings.maxHeaderPixels,
      autoOrient: true,
    })
      .flatten({ background: white })
      .resize({ ...between, fit: "fill", kernel })
      .toColourspace("srgb");
    const isToJpeg = codecs !== null && settings.encodeFormat === "jpg";
    if (!settings.computePdq && !isKept && plan.pad === null && !isToJpeg) {
      // Nothing needs the pixels in between: one pipeline from file to file.
      if (plan.crop !== null) scaling.extract(plan.crop);
      return { stored: await encode(scaling, settings), pdq: null };
    }
    const { data, info } = await scaling.removeAlpha().raw().toBuffer({ resolveWithObject: true });
    pixels = { data, ...between, channels: info.channels };
  }
  const { data, channels } = pixels;
  const size = { width, height };
  const pdq = settings.computePdq ? pdqHash(data, between.width, between.height, channels, size) : null;
  if (isKept) return { stored: bytes, pdq };
  const scaled = between === plan.scaled ? pixels : await rescaled(pixels, plan.scaled, codecs);
  const final = framed(scaled, plan);
  const quality = Math.max(1, settings.encodeQuality);
  const jpeg = settings.encodeFormat === "jpg" ? (codecs?.encodeJpeg(final, quality) ?? null) : null;
  if (jpeg !== null) return { stored: jpeg, pdq };
  const { data: stored, ...raw } = final;
  return { stored: await encode(sharp(stored, { raw }).toColourspace("srgb"), settings), pdq };
}

async function rescaled(pixels: Pixels, size: ImageSize, codecs: Codecs | null): Promise<Pixels> {
  const scaled = codecs?.scale(pixels, size) ?? null;
  if (scaled !== null) return scaled;
  const { data, info } = await sharp(pixels.data, { raw: pixels })
    .resize({ ...size, fit: "fill", kernel })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, ...size, channels: info.channels };
}

/**
 * The size between decoding and storing: that of the stored picture, but no larger than the original (what PDQ sees
 * should not be made up) and no smaller than PDQ needs.
 */
function sizeForHash(width: number, height: number, plan: ResizePlan): ImageSize {
  const { scaled } = plan;
  if (scaled.width > width || scaled.height > height) return { width, height };
  const longSide = Math.max(width, height);
  const wanted = Math.min(longSide, pdqSide);
  if (Math.max(scaled.width, scaled.height) >= wanted) return scaled;
  const scale = wanted / longSide;
  return {
    width: Math.max(1, scaled.width, Math.round(width * scale)),
    height: Math.max(1, scaled.height, Math.round(height * scale)),
  };
}

function encode(picture: Sharp, settings: ImageSettings): Promise<Buffer> {
  const quality = settings.encodeQuality;
  switch (settings.encodeFormat) {
    case "jpg":
      return picture
        .jpeg({ quality: Math.max(1, quality), chromaSubsampling: "4:2:0", optimiseCoding: false })
        .toBuffer();
    case "png":
      // as in img2dataset, PNG's "quality" is the compression level 0–9
      return picture.png({ compressionLevel: quality <= 9 ? quality : 6 }).toBuffer();
    case "webp":
      return picture.webp({ quality: Math.max(1, quality) }).toBuffer();
  }
}

import type { Pixels } from "../framed.js";
import type { ImageSize, PictureFrame } from "../frames/pictureFrame.js";
import { AreaScaler } from "../scaling/areaScaler.js";
import { openLibWebp } from "./libWebp.js";
import { openTurboJpeg } from "./turboJpeg.js";

/** Faster ways than sharp's for what pictures mostly are. All of them block until they are done; not for several threads. */
export interface Codecs {
  /** Those of the machine's libraries that were found. */
  readonly libraries: { readonly "libjpeg-turbo": boolean; readonly libwebp: boolean };
  /**
   * A picture's RGB pixels, scaled down to a size by area; null where it isn't ordinary, would have to be scaled up, is
   * very large, has no library here or the library's least complaint: sharp is to be asked then. EXIF data isn't heeded.
   */
  decode(bytes: Buffer, frame: PictureFrame, to: ImageSize): Pixels | null;
  /** RGB pixels scaled down by area; null where they are of another kind or would have to be scaled up. */
  scale(pixels: Pixels, to: ImageSize): Pixels | null;
  /** A baseline JPEG (4:2:0) of RGB pixels; null where they are of another kind, or without libjpeg-turbo. */
  encodeJpeg(pixels: Pixels, quality: number): Buffer | null;
}

/** WebPs are decoded whole: larger ones are left to sharp, which holds some rows of them at a time. */
const maxWholePixels = 1 << 22;

const isWithin = (size: ImageSize, limit: ImageSize): boolean =>
  size.width <= limit.width && size.height <= limit.height;

/** Opens what this machine has; null where that is nothing. */
export async function openCodecs(): Promise<Codecs | null> {
  const [jpeg, webp] = [await openTurboJpeg(), await openLibWebp()];
  if (jpeg === null && webp === null) return null;
  const scaler = new AreaScaler();

  return {
    libraries: { "libjpeg-turbo": jpeg !== null, libwebp: webp !== null },
    decode(bytes, frame, to) {
      const { format, width, height, isOrdinary } = frame;
      if (!isOrdinary || !isWithin(to, frame)) return null;
      if (format === "jpeg" && jpeg !== null) {
        const source = jpeg.decode(bytes, frame, to, (size) => scaler.room(size));
        return source === null ? null : scaler.scale(source, to);
      }
      if (format === "webp" && webp !== null && width * height <= maxWholePixels) {
        const room = scaler.room(frame);
        if (room === null || !webp.decode(bytes, room, width)) return null;
        return scaler.scale({ width, height, extent: frame }, to);
      }
      return null;
    },
    scale(pixels, to) {
      const room = pixels.channels === 3 && isWithin(to, pixels) ? scaler.room(pixels) : null;
      if (room === null) return null;
      room.set(pixels.data);
      return scaler.scale({ ...pixels, extent: pixels }, to);
    },
    encodeJpeg: (pixels, quality) => jpeg?.encode(pixels, quality) ?? null,
  };
}

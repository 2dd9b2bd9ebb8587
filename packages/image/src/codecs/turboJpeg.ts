import { Buffer } from "node:buffer";
import type { Pixels } from "../framed.js";
import type { ImageSize, PictureFrame } from "../frames/pictureFrame.js";
import type { Source } from "../scaling/areaScaler.js";
import { openLibrary, places } from "./openLibrary.js";

/** libjpeg-turbo's own library: decodes in half the time of the one that is built into sharp. */
export interface TurboJpeg {
  /**
   * Puts an ordinary JPEG's RGB pixels, shrunk by 1, 2, 4 or 8 to no less than `atLeast` where that is possible, where
   * `room` says; null where there is no room or the picture gives as much as a warning. Blocks until it is done.
   */
  decode(
    bytes: Buffer,
    frame: PictureFrame,
    atLeast: ImageSize,
    room: (size: ImageSize) => Buffer | null,
  ): Source | null;
  /** A baseline JPEG (4:2:0) of colour pixels; null where the library refuses. Blocks until it is done. */
  encode(pixels: Pixels, quality: number): Buffer | null;
}

/** Debian: libturbojpeg0. */
const names = places("libturbojpeg.so.0", "jpeg-turbo/lib/libturbojpeg.dylib");

// turbojpeg.h: pixel format, subsampling and flags.
const rgb = 0;
const subsampling420 = 2;
const [noReallocation, accurateDct, stopOnWarning, limitScans] = [1024, 4096, 8192, 32768];

/** Opens the library that is installed on this machine; null where there is none. One handle: not for several threads. */
export async function openTurboJpeg(from = names): Promise<TurboJpeg | null> {
  const library = await openLibrary(from);
  if (library === null) return null;
  const decompressor: unknown = library.func("void *tjInitDecompress()")();
  const compressor: unknown = library.func("void *tjInitCompress()")();
  const decompress = library.func(
    "int tjDecompress2(void *handle, const uint8_t *jpeg, unsigned long bytes, uint8_t *pixels, int width, int pitch, int height, int format, int flags)",
  );
  const compress = library.func(
    "int tjCompress2(void *handle, const uint8_t *pixels, int width, int pitch, int height, int format, uint8_t **jpeg, _Inout_ unsigned long *bytes, int subsampling, int quality, int flags)",
  );
  const boundOf = library.func("unsigned long tjBufSize(int width, int height, int subsampling)");
  let scratch = Buffer.alloc(0);

  return {
    decode(bytes, { width, height }, atLeast, room) {
      // The library has faster ways for these than for the eighths between them.
      const by = [8, 4, 2].find((by) => width / by >= atLeast.width && height / by >= atLeast.height) ?? 1;
      const shrunk = { width: Math.ceil(width / by), height: Math.ceil(height / by) };
      const data = room(shrunk);
      if (data === null) return null;
      const failed = decompress(
        ...[decompressor, bytes, bytes.length, data, shrunk.width, 0, shrunk.height, rgb],
        stopOnWarning | limitScans,
      ) as number;
      return failed === 0 ? { ...shrunk, extent: { width: width / by, height: height / by } } : null;
    },
    encode({ data, width, height, channels }, quality) {
      if (channels !== 3) return null;
      const bound = Number(boundOf(width, height, subsampling420));
      if (scratch.length < bound) scratch = Buffer.allocUnsafeSlow(bound);
      const size = [scratch.length];
      const flags = noReallocation | accurateDct;
      const failed = compress(
        ...[compressor, data, width, 0, height, rgb, [scratch], size, subsampling420, quality, flags],
      ) as number;
      return failed === 0 ? Buffer.from(scratch.subarray(0, Number(size[0]))) : null;
    },
  };
}

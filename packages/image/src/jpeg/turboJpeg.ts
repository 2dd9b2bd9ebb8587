import { Buffer } from "node:buffer";
import type { LibraryHandle } from "koffi";
import type { Pixels } from "../framed.js";
import type { JpegFrame } from "./jpegFrame.js";

/** libjpeg-turbo's own library: decodes in half the time of the one that is built into sharp. */
export interface TurboJpeg {
  /**
   * Pixels of an 8-bit grey or colour JPEG, shrunk by 1, 2, 4 or 8 to no less than `atLeast` where that is possible; null
   * where the picture is of another kind, too large to be held at once, or gives as much as a warning: sharp is to be
   * asked then. Blocks until it is done.
   */
  decode(bytes: Buffer, frame: JpegFrame, atLeast: { width: number; height: number }): Pixels | null;
  /** A baseline JPEG (4:2:0) of colour pixels; null where the library refuses. Blocks until it is done. */
  encode(pixels: Pixels, quality: number): Buffer | null;
}

/** Names of the library as the system's loader finds it (Debian: libturbojpeg0), and where Homebrew puts it. */
const places: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ["libturbojpeg.so.0"],
  darwin: [
    "/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib",
    "/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib",
  ],
};

// turbojpeg.h: pixel formats, subsamplings and flags.
const [rgb, grey] = [0, 6];
const subsampling420 = 2;
const [noReallocation, accurateDct, stopOnWarning, limitScans] = [1024, 4096, 8192, 32768];

/** More shrunk pixels than this are not held at once. */
const maxPixels = 1 << 24;

/** Opens the library that is installed on this machine; null where there is none. One handle: not for several threads. */
export async function openTurboJpeg(names = places[process.platform] ?? []): Promise<TurboJpeg | null> {
  const koffi = await import("koffi").then(
    (module) => module.default,
    () => null,
  );
  if (koffi === null) return null;
  for (const name of names) {
    try {
      return bindings(koffi.load(name));
    } catch {
      // The next one, or none.
    }
  }
  return null;
}

function bindings(library: LibraryHandle): TurboJpeg {
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
    decode(bytes, { width, height, components, precision, isHuffman, hasProfile }, atLeast) {
      if (!isHuffman || hasProfile || precision !== 8 || (components !== 1 && components !== 3)) return null;
      // The library has faster ways for these than for the eighths between them.
      const shrunk = [8, 4, 2, 1]
        .map((by) => ({ width: Math.ceil(width / by), height: Math.ceil(height / by) }))
        .find((size, n) => n === 3 || (size.width >= atLeast.width && size.height >= atLeast.height))!;
      if (shrunk.width * shrunk.height > maxPixels) return null;
      const data = Buffer.allocUnsafe(shrunk.width * shrunk.height * components);
      const format = components === 1 ? grey : rgb;
      const flags = stopOnWarning | limitScans;
      const failed = decompress(
        ...[decompressor, bytes, bytes.length, data, shrunk.width, 0, shrunk.height, format, flags],
      ) as number;
      return failed === 0 ? { data, ...shrunk, channels: components } : null;
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

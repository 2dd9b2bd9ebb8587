import { openLibrary, places } from "./openLibrary.js";

/** libwebp itself: whole pictures in a third less time than by way of sharp. */
export interface LibWebp {
  /** Puts a WebP's RGB pixels into `room`, which has their size exactly; false where it can't. Blocks until it is done. */
  decode(bytes: Buffer, room: Buffer, width: number): boolean;
}

/** Debian: libwebp7. */
const names = places("libwebp.so.7", "webp/lib/libwebp.dylib");

/** Opens the library that is installed on this machine; null where there is none. */
export async function openLibWebp(from = names): Promise<LibWebp | null> {
  const library = await openLibrary(from);
  if (library === null) return null;
  const decodeInto = library.func(
    "uint8_t *WebPDecodeRGBInto(const uint8_t *data, size_t bytes, uint8_t *pixels, size_t room, int stride)",
  );
  return {
    decode: (bytes, room, width) => decodeInto(bytes, bytes.length, room, room.length, 3 * width) !== null,
  };
}

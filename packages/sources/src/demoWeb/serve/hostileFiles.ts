import { constants, crc32, deflateRawSync, deflateSync } from "node:zlib";

/** A PNG whose header claims 60,000 × 60,000 pixels, with 64 bytes of data. */
export function hugeHeaderPng(): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(60_000, 0);
  header.writeUInt32BE(60_000, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from("89504e470d0a1a0a", "hex");
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    pngChunk("IDAT", deflateSync(Buffer.alloc(64))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), body.length + 4);
  return chunk;
}

/** JPEG's first bytes, then nothing that a decoder could use. */
export function garbageJpeg(length: number): Buffer {
  const bytes = Buffer.alloc(length, 0x5a);
  jpegStart.copy(bytes);
  return bytes;
}

export const jpegStart = Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex");

export const scriptSvg = Buffer.from(
  `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="120" onload="alert(1)">` +
    `<script>fetch("http://169.254.169.254/")</script><circle cx="60" cy="60" r="40"/></svg>\n`,
);

let bomb: Buffer | null = null;

/**
 * 64 MB of zeros behind a JPEG start, gzipped to some 64 kB. Made once: a compressed megabyte that ends on a full flush
 * needs nothing before it, so its bytes can be repeated.
 */
export function gzipBomb(): Buffer {
  if (bomb !== null) return bomb;
  const flushed = (data: Buffer) => deflateRawSync(data, { finishFlush: constants.Z_FULL_FLUSH });
  const megabyte = Buffer.alloc(1 << 20);
  const repeats = 64;
  let checksum = crc32(jpegStart);
  for (let i = 0; i < repeats; i++) checksum = crc32(megabyte, checksum);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(jpegStart.length + repeats * megabyte.length, 4);
  const gzipHeader = Buffer.from("1f8b08000000000000ff", "hex");
  const lastBlock = Buffer.from("0300", "hex");
  const zeros = Array<Buffer>(repeats).fill(flushed(megabyte));
  bomb = Buffer.concat([gzipHeader, flushed(jpegStart), ...zeros, lastBlock, trailer]);
  return bomb;
}

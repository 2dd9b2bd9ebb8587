import { constants, crc32, createGzip, deflateSync } from "node:zlib";

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

let bomb: Promise<Buffer> | null = null;

/** 128 MB of zeros behind a JPEG start, gzipped to some 130 kB; made once, off the event loop. */
export function gzipBomb(): Promise<Buffer> {
  bomb ??= new Promise((resolve, reject) => {
    const gzip = createGzip({ level: constants.Z_BEST_COMPRESSION });
    const parts: Buffer[] = [];
    gzip.on("data", (part: Buffer) => parts.push(part));
    gzip.on("error", reject);
    gzip.on("end", () => resolve(Buffer.concat(parts)));
    gzip.write(jpegStart);
    const megabyte = Buffer.alloc(1 << 20);
    let left = 128;
    const more = () => {
      while (left-- > 0) if (!gzip.write(megabyte)) return void gzip.once("drain", more);
      gzip.end();
    };
    more();
  });
  return bomb;
}

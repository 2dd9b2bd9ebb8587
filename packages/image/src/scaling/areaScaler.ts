import { Buffer } from "node:buffer";
import type { Pixels } from "../framed.js";
import type { ImageSize } from "../frames/pictureFrame.js";
import { areaTable } from "./areaTable.js";
import { kernelBytes } from "./kernelBytes.js";
import { webAssembly } from "./webAssembly.js";

/** RGB pixels in a scaler's room, and what they stand for. */
export interface Source extends ImageSize {
  /** Sides of the whole picture in these pixels: less than theirs where the last ones are only begun. */
  extent: ImageSize;
}

type Scale = (
  source: number,
  stride: number,
  down: number,
  downPairs: number,
  rows: number,
  along: number,
  alongPairs: number,
  columns: number,
  line: number,
  out: number,
) => void;

/** Its pixels begin here; AssemblyScript's own come before. */
const sourceAt = 1024;
const pageBytes = 1 << 16;
/** As many source pixels at once are taken at most (50 MB). */
const maxPixels = 1 << 24;

/**
 * Scales RGB pixels down so that each is the mean of the area that it covers (OpenCV's INTER_AREA), in a tenth of the
 * time that a pipeline of sharp takes to begin and end. WebAssembly with 128-bit vectors; one thread, blocks until done.
 */
export class AreaScaler {
  private readonly memory = new webAssembly.Memory({ initial: 1, maximum: 2048 });
  private readonly scaleRows: Scale;

  constructor() {
    const module = new webAssembly.Module(Buffer.from(kernelBytes, "base64"));
    const { exports } = new webAssembly.Instance(module, { env: { memory: this.memory } });
    this.scaleRows = exports["scale"] as Scale;
  }

  /** Where to put a picture's pixels, three bytes each, before `scale`; null where it is too large. Good until then. */
  room({ width, height }: ImageSize): Buffer | null {
    if (width * height > maxPixels) return null;
    this.reach(sourceAt + 3 * width * height);
    return Buffer.from(this.memory.buffer, sourceAt, 3 * width * height);
  }

  /**
   * Scales what is in the room.
   * @param to no larger than the source's extent in either direction
   * @throws RangeError where it is
   */
  scale({ width, height, extent }: Source, to: ImageSize): Pixels {
    if (to.width > Math.ceil(extent.width) || to.height > Math.ceil(extent.height))
      throw new RangeError(`${width}x${height} can't be scaled down to ${to.width}x${to.height}`);
    const stride = 3 * width;
    const bytes = 3 * to.width * to.height;
    const down = areaTable(extent.height, height, to.height);
    const along = areaTable(extent.width, width, to.width);
    // One row more than there is may be read, and up to 16 bytes after it.
    const downAt = (sourceAt + stride * (height + 1) + 31) & ~15;
    const alongAt = downAt + down.words.byteLength;
    const lineAt = alongAt + along.words.byteLength;
    const outAt = lineAt + 2 * stride + 64;
    this.reach(outAt + bytes + 1);
    const { buffer } = this.memory;
    new Int32Array(buffer, downAt).set(down.words);
    new Int32Array(buffer, alongAt).set(along.words);
    this.scaleRows(
      ...([sourceAt, stride, downAt, down.pairs, to.height] as const),
      ...([alongAt, along.pairs, to.width, lineAt, outAt] as const),
    );
    const data = Buffer.allocUnsafe(bytes);
    data.set(new Uint8Array(buffer, outAt, bytes));
    return { data, width: to.width, height: to.height, channels: 3 };
  }

  private reach(end: number): void {
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) this.memory.grow(Math.ceil(missing / pageBytes));
  }
}

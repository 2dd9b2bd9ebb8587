import { Buffer } from "node:buffer";

/** Chunks from this size on are kept as they come; smaller ones are put together, so that they don't become too many. */
const pieceBytes = 16 << 10;

/**
 * A body in pieces. A picture's goes on to its decoder without having been put together: bodies are most of what a
 * fetcher allocates, and V8 marks its whole heap each time that another few megabytes of them were.
 */
export class Body {
  readonly pieces: Buffer[] = [];
  length = 0;
  /** Bytes of the last piece that were not written to yet; it is a block of ours where there are any. */
  private free = 0;

  /** @param announcedBytes the Content-Length, or NaN */
  constructor(private readonly announcedBytes = NaN) {}

  static of(...pieces: Buffer[]): Body {
    const body = new Body();
    for (const piece of pieces) body.push(piece);
    return body;
  }

  push(chunk: Buffer): void {
    if (chunk.length >= pieceBytes) this.append(chunk, 0);
    else this.pack(chunk);
    this.length += chunk.length;
  }

  /** In one piece; it may share its memory with this object. */
  whole(): Buffer {
    const [only, ...more] = this.pieces;
    return more.length === 0 ? (only ?? Buffer.alloc(0)) : Buffer.concat(this.pieces, this.length);
  }

  private append(piece: Buffer, free: number): void {
    this.pieces.push(piece);
    this.free = free;
  }

  private pack(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      const last = this.pieces.at(-1);
      const used = last?.length ?? 0;
      const count = Math.min(rest.length, this.free);
      if (last !== undefined && count > 0) {
        // The piece is a view that grows over its block.
        const grown = Buffer.from(last.buffer, last.byteOffset, used + count);
        grown.set(rest.subarray(0, count), used);
        this.pieces[this.pieces.length - 1] = grown;
        this.free -= count;
        rest = rest.subarray(count);
      } else {
        const toCome = this.announcedBytes - this.length - (chunk.length - rest.length);
        const bytes = toCome > 0 && toCome < pieceBytes ? Math.max(toCome, rest.length) : pieceBytes;
        this.append(Buffer.allocUnsafeSlow(bytes).subarray(0, 0), bytes);
      }
    }
  }
}

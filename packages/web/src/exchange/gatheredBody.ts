import { Buffer } from "node:buffer";

/** Bodies announced as no longer than this get their memory at once. */
const maxAheadBytes = 4 << 20;

/**
 * Puts a body together. Where its length was announced, each chunk is copied to its place as it comes: chunks then live
 * so shortly that collecting them costs next to nothing, which it would not once they have grown old.
 */
export class GatheredBody {
  private readonly ahead: Buffer | null;
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  /** @param announcedBytes the Content-Length, or NaN */
  constructor(announcedBytes: number) {
    this.ahead =
      announcedBytes > 0 && announcedBytes <= maxAheadBytes ? Buffer.allocUnsafeSlow(announcedBytes) : null;
  }

  push(chunk: Buffer): void {
    if (this.ahead !== null && this.bytes + chunk.length <= this.ahead.length)
      this.ahead.set(chunk, this.bytes);
    else this.chunks.push(chunk);
    this.bytes += chunk.length;
  }

  /** What has come, in one piece; it may share its memory with this object. */
  whole(): Buffer {
    const { ahead, chunks, bytes } = this;
    const first = ahead?.subarray(0, bytes - chunks.reduce((sum, { length }) => sum + length, 0));
    if (first !== undefined && chunks.length === 0) return first;
    if (first === undefined && chunks.length === 1) return chunks[0]!;
    return Buffer.concat(first === undefined ? chunks : [first, ...chunks]);
  }
}

import { Buffer } from "node:buffer";

/** Bodies announced as no longer than this get their memory at once. */
const maxAheadBytes = 4 << 20;

/**
 * Puts a body together. Where its length was announced, each chunk is copied to its place as it comes: chunks then live
 * so shortly that collecting them costs next to nothing, which it would not once they have grown old.
 */
export class GatheredBody {
  private readonly ahead: Buffer;
  /** Bytes that lie in `ahead`. */
  private filled = 0;
  /** What came after those. */
  private readonly chunks: Buffer[] = [];

  /** @param announcedBytes the Content-Length, or NaN */
  constructor(announcedBytes: number) {
    const isKnown = announcedBytes > 0 && announcedBytes <= maxAheadBytes;
    this.ahead = Buffer.allocUnsafeSlow(isKnown ? announcedBytes : 0);
  }

  push(chunk: Buffer): void {
    if (this.chunks.length > 0 || this.filled + chunk.length > this.ahead.length) {
      this.chunks.push(chunk);
      return;
    }
    this.ahead.set(chunk, this.filled);
    this.filled += chunk.length;
  }

  /** What has come, in one piece; it may share its memory with this object. */
  whole(): Buffer {
    const first = this.ahead.subarray(0, this.filled);
    const [only, ...more] = this.chunks;
    if (only === undefined) return first;
    return first.length === 0 && more.length === 0 ? only : Buffer.concat([first, ...this.chunks]);
  }
}

import { Buffer } from "node:buffer";
import type { Writable } from "node:stream";

/** What goes between a process and its decoders: a number that ties answer to question, JSON text, and bytes. */
export interface Frame {
  id: number;
  /** JSON, or "". */
  text: string;
  body: Buffer;
}

/** A frame to be written; its body may lie in pieces. */
export interface OutgoingFrame extends Omit<Frame, "body"> {
  body: readonly Buffer[];
}

/** The frame by which a decoder says that it is ready; pictures have larger numbers. */
export const readyId = 0;

/** id, bytes of text, bytes of body: three little-endian 32-bit numbers. */
const headBytes = 12;

/** A frame's pieces in the order in which they are written; the body is not copied. */
export function framePieces({ id, text, body }: OutgoingFrame): Buffer[] {
  const textBytes = Buffer.byteLength(text);
  const head = Buffer.allocUnsafe(headBytes + textBytes);
  head.writeUInt32LE(id, 0);
  head.writeUInt32LE(textBytes, 4);
  head.writeUInt32LE(
    body.reduce((sum, piece) => sum + piece.length, 0),
    8,
  );
  head.write(text, headBytes);
  return [head, ...body];
}

/** Writes a frame in one go. */
export function writeFrame(stream: Writable, frame: OutgoingFrame): void {
  stream.cork();
  for (const piece of framePieces(frame)) stream.write(piece);
  stream.uncork();
}

/**
 * Puts frames together from a stream's chunks. Chunks are copied out at once, so the caller may use their memory again.
 * @param maxBytes of one frame's text and body together
 */
export class FrameReader {
  private readonly head = Buffer.alloc(headBytes);
  private rest: { buffer: Buffer; textBytes: number; id: number } | null = null;
  private has = 0;

  constructor(
    private readonly onFrame: (frame: Frame) => void,
    private readonly maxBytes: number,
  ) {}

  /** @throws RangeError where a frame says that it is longer than allowed */
  push(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const into: Buffer = this.rest?.buffer ?? this.head;
      const count = Math.min(into.length - this.has, chunk.length - at);
      into.set(chunk.subarray(at, at + count), this.has);
      at += count;
      this.has += count;
      if (this.has < into.length) return;
      this.has = 0;
      if (this.rest === null) this.begin();
      else this.end();
    }
  }

  private begin(): void {
    const [id, textBytes] = [this.head.readUInt32LE(0), this.head.readUInt32LE(4)];
    const bytes = textBytes + this.head.readUInt32LE(8);
    if (bytes > this.maxBytes) throw new RangeError(`a frame of ${bytes} bytes`);
    this.rest = { buffer: Buffer.allocUnsafeSlow(bytes), textBytes, id };
    if (bytes === 0) this.end();
  }

  private end(): void {
    const { buffer, textBytes, id } = this.rest!;
    this.rest = null;
    this.onFrame({ id, text: buffer.toString("utf8", 0, textBytes), body: buffer.subarray(textBytes) });
  }
}

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";

const headPieceBytes = 2 * 1024;
/** Behind a body whose end isn't known there may be headers as well. */
const bodyPieceBytes = 8 * 1024;

/**
 * Hands out what a server sends in small pieces, but for bodies whose length was announced, which come as they are.
 * undici 7.30's parser makes an error with its stack for every header beyond the limit until what it was handed is at
 * its end: 64 KiB of headers of six bytes hold the event loop for 80 ms. Bodies are left whole because each piece of one
 * costs as much as a small answer. For connections on which one request is under way at once.
 */
export function inSmallHeadReads(socket: Socket): Socket {
  const answer = new AnswerReader();
  const read = socket.read.bind(socket) as (bytes?: number) => unknown;
  socket.read = (bytes?: number): unknown => {
    if (socket.destroyed) return null;
    const ready = socket.readableLength;
    const most = answer.isInHead ? headPieceBytes : Math.max(answer.bodyLeft, bodyPieceBytes);
    const chunk = read(bytes ?? (ready > most ? most : undefined));
    if (Buffer.isBuffer(chunk)) answer.passed(chunk);
    return chunk;
  };
  const write = socket.write.bind(socket) as (...given: unknown[]) => boolean;
  socket.write = (...given: unknown[]): boolean => {
    answer.begin();
    return write(...given);
  };
  return socket;
}

/** More is no head that undici would still be reading: that of an answer whose lines end otherwise is never found. */
const maxHeadBytes = 128 * 1024;

/** Follows an answer up to its body. */
export class AnswerReader {
  /** Bytes that are still to come of a body whose length was announced. */
  bodyLeft = 0;
  /** What has come of the head; null behind it. */
  private head: string | null = null;

  get isInHead(): boolean {
    return this.head !== null;
  }

  /** A request is written: the next thing to come is a head. */
  begin(): void {
    this.bodyLeft = 0;
    this.head = "";
  }

  passed(chunk: Buffer): void {
    this.bodyLeft = Math.max(0, this.bodyLeft - chunk.length);
    if (this.head === null) return;
    const from = Math.max(0, this.head.length - 3);
    this.head += chunk.toString("latin1");
    for (let end = this.head.indexOf("\r\n\r\n", from); end >= 0; end = this.head.indexOf("\r\n\r\n")) {
      const head = this.head.slice(0, end + 2);
      this.head = this.head.slice(end + 4);
      // An interim answer is a head before the head.
      if (/^HTTP\/1\.[01] 1/.test(head)) continue;
      this.bodyLeft = Math.max(0, announcedBytes(head) - this.head.length);
      this.head = null;
      return;
    }
    if (this.head.length > maxHeadBytes) this.head = null;
  }
}

/** The length of the body behind a head where that is sure: chunked ones have headers at their end. */
function announcedBytes(head: string): number {
  if (/\r\ntransfer-encoding[ \t]*:/i.test(head)) return 0;
  const [only, ...more] = [...head.matchAll(/\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?=\r)/gi)];
  return only === undefined || more.length > 0 ? 0 : Number(only[1]);
}

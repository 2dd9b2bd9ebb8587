import { Buffer } from "node:buffer";
import { blockBytes, encodeTarHeader, paddingOf } from "./tarHeader.js";

export interface TarMember {
  name: string;
  data: Uint8Array;
}

const slabBytes = 1 << 20;

/** Members from this size on are passed on as they are; smaller ones are cheaper to copy than to hand over. */
const passBytes = 1 << 13;

/** Bytes that a member takes in a tar. */
export const tarBytesOf = (size: number): number => blockBytes + size + paddingOf(size);

/**
 * Gathers headers and small members into chunks of at most 1 MiB. `add` and `end` return the chunks that are full; a
 * chunk is never touched again. Members of 8 KiB and more are handed on uncopied: don't change them before they are
 * written, and write many chunks at once (`writeAll` does).
 */
export class TarPacker {
  private slab = Buffer.allocUnsafeSlow(slabBytes);
  private used = 0;
  private taken = 0;
  /** Bytes of the tar so far: where the next member's header will be. */
  offset = 0;

  /** @throws TarMemberError */
  add(name: string, data: Uint8Array): Buffer[] {
    const full: Buffer[] = [];
    this.reserve(blockBytes, full);
    encodeTarHeader(this.slab, this.used, name, data.byteLength);
    this.used += blockBytes;
    const padding = paddingOf(data.byteLength);
    if (data.byteLength >= passBytes) {
      this.cut(full);
      full.push(Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    } else {
      this.reserve(data.byteLength, full);
      this.slab.set(data, this.used);
      this.used += data.byteLength;
    }
    this.zeros(padding, full);
    this.offset += blockBytes + data.byteLength + padding;
    return full;
  }

  /** The two blocks of zeros that end a tar, and what is left. */
  end(): Buffer[] {
    const full: Buffer[] = [];
    this.zeros(2 * blockBytes, full);
    this.cut(full);
    this.offset += 2 * blockBytes;
    return full;
  }

  private zeros(count: number, full: Buffer[]): void {
    this.reserve(count, full);
    this.slab.fill(0, this.used, this.used + count);
    this.used += count;
  }

  private reserve(bytes: number, full: Buffer[]): void {
    if (this.used + bytes <= slabBytes) return;
    this.cut(full);
    this.slab = Buffer.allocUnsafeSlow(slabBytes);
    this.used = 0;
    this.taken = 0;
  }

  private cut(full: Buffer[]): void {
    if (this.used > this.taken) full.push(this.slab.subarray(this.taken, this.used));
    this.taken = this.used;
  }
}

/** The bytes of a tar of these members, in their order, with fixed metadata. @throws TarMemberError */
export async function* packTar(
  members: Iterable<TarMember> | AsyncIterable<TarMember>,
): AsyncGenerator<Buffer, void> {
  const packer = new TarPacker();
  for await (const { name, data } of members) yield* packer.add(name, data);
  yield* packer.end();
}

import { Buffer } from "node:buffer";

/** Tar is a row of blocks: one of header, then the data padded with zeros to whole blocks (POSIX.1-1988, ustar). */
export const blockBytes = 512;

/** Largest size that eleven octal digits hold. */
const maxBytes = 8 ** 11 - 1;

/** A member that can't be written as plain ustar. */
export class TarMemberError extends Error {
  readonly code = "tar_member_invalid";
  constructor(name: string, why: string) {
    super(`Can't write ${JSON.stringify(name.slice(0, 200))} to a tar: ${why}`);
    this.name = "TarMemberError";
  }
}

/** A header with empty name and size: mode 0644, no owner, time 0, so that equal content gives equal bytes. */
const template = Buffer.alloc(blockBytes);
template.write("0000644\0", 100, "latin1");
template.write("0000000\0", 108, "latin1"); // uid
template.write("0000000\0", 116, "latin1"); // gid
template.write("00000000000\0", 136, "latin1"); // mtime
template.write("        ", 148, "latin1"); // the checksum counts its own field as blanks
template.write("0", 156, "latin1"); // an ordinary file
template.write("ustar\x0000", 257, "latin1");
template.write("0000000\0", 329, "latin1"); // device numbers, as Python's and GNU's writers fill them
template.write("0000000\0", 337, "latin1");
const templateSum = template.reduce((sum, byte) => sum + byte, 0);

/** Writes `value` in octal with `digits` digits before `end`; returns the sum of the bytes written. */
function putOctal(target: Buffer, end: number, digits: number, value: number): number {
  let sum = 0;
  for (let at = end - 1; at >= end - digits; at--) {
    const digit = 48 + (value % 8);
    target[at] = digit;
    sum += digit;
    value = Math.floor(value / 8);
  }
  return sum;
}

/**
 * Writes the 512 bytes of a header for an ordinary file into `target` at `at`.
 * @throws TarMemberError for a name that is empty, longer than 100 bytes or holds NUL, and for 8 GiB and more
 */
export function encodeTarHeader(target: Buffer, at: number, name: string, size: number): void {
  const nameBytes = Buffer.byteLength(name);
  if (nameBytes === 0) throw new TarMemberError(name, "its name is empty");
  if (nameBytes > 100) throw new TarMemberError(name, `its name has ${nameBytes} bytes, 100 at most`);
  if (name.includes("\0")) throw new TarMemberError(name, "its name holds a NUL");
  if (!Number.isInteger(size) || size < 0 || size > maxBytes) {
    throw new TarMemberError(name, `its size is ${size} bytes, ${maxBytes} at most`);
  }
  template.copy(target, at);
  target.write(name, at, "utf8");
  let sum = templateSum;
  for (let i = at; i < at + nameBytes; i++) sum += target[i] as number;
  sum += putOctal(target, at + 135, 11, size);
  putOctal(target, at + 154, 6, sum);
  target[at + 154] = 0;
}

export interface TarHeader {
  name: string;
  /** Bytes of data that follow. */
  size: number;
  /** The type flag: "0" an ordinary file, "5" a folder, "x" and "g" pax records, "L" a GNU long name, … */
  type: string;
}

/** A decoded header, "end" for a block of zeros, "bad" where the checksum or a number is wrong. */
export type DecodedTarHeader = TarHeader | "end" | "bad";

function text(block: Buffer, start: number, end: number): string {
  let [at, bits] = [start, 0];
  for (; at < end; at++) {
    const byte = block[at] as number;
    if (byte === 0) break;
    bits |= byte;
  }
  return block.toString(bits < 128 ? "latin1" : "utf8", start, at);
}

/**
 * The sum of a block's bytes: words are added, two bytes of each in lanes of 16 bits, which 128 words of 255s don't
 * overflow (and which stay below 2³¹).
 */
function byteSum(view: DataView, at: number): number {
  let [even, odd] = [0, 0];
  for (let i = at; i < at + blockBytes; i += 4) {
    const word = view.getInt32(i, true);
    even = (even + (word & 0xff00ff)) | 0;
    odd = (odd + ((word >>> 8) & 0xff00ff)) | 0;
  }
  return (even & 0xffff) + (even >>> 16) + (odd & 0xffff) + (odd >>> 16);
}

/** A view of a buffer's bytes, for `decodeTarHeader`. */
export const viewOf = (buffer: Buffer): DataView =>
  new DataView(buffer.buffer, buffer.byteOffset, buffer.length);

/** An octal number ended by NUL, blank or the field's end, or GNU's base 256; NaN where it is neither. */
function number(block: Buffer, start: number, length: number): number {
  const first = block[start] as number;
  if (first === 0x80) {
    let value = 0;
    for (let i = start + 1; i < start + length; i++) value = value * 256 + (block[i] as number);
    return value <= Number.MAX_SAFE_INTEGER ? value : NaN;
  }
  let value = 0;
  let digits = 0;
  for (let i = start; i < start + length; i++) {
    const byte = block[i] as number;
    if (byte >= 48 && byte <= 55) {
      value = value * 8 + (byte - 48);
      digits++;
    } else if (byte === 32 && digits === 0) {
      continue;
    } else if (byte === 0 || byte === 32) {
      break;
    } else {
      return NaN;
    }
  }
  return value;
}

/**
 * Reads the header at `at` (512 bytes must be there) and verifies its checksum.
 * @param view of the buffer: whoever reads many headers of one makes it once
 */
export function decodeTarHeader(buffer: Buffer, at: number, view = viewOf(buffer)): DecodedTarHeader {
  let sum = byteSum(view, at);
  if (sum === 0) return "end";
  for (let i = at + 148; i < at + 156; i++) sum += 32 - (buffer[i] as number);
  if (number(buffer, at + 148, 8) !== sum) return "bad";
  const size = number(buffer, at + 124, 12);
  if (Number.isNaN(size)) return "bad";
  const flag = buffer[at + 156] as number;
  let name = text(buffer, at, at + 100);
  // POSIX ustar ("ustar\0") has a prefix for names of up to 255 bytes; GNU's ("ustar ") keeps other things there.
  if (buffer[at + 345] !== 0 && buffer.toString("latin1", at + 257, at + 263) === "ustar\0") {
    name = `${text(buffer, at + 345, at + 500)}/${name}`;
  }
  return { name, size, type: flag === 0 ? "0" : String.fromCharCode(flag) };
}

/** Bytes of zeros that fill up the last block. */
export const paddingOf = (size: number): number => (blockBytes - (size % blockBytes)) % blockBytes;

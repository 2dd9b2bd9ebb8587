import { crc32Of } from "./crc32Of.js";

/** PyTorch maps storages into memory; it lays them at multiples of this, by a padding extra field ("FB"). */
const alignment = 64;
const full32 = 0xffffffff;
const utf8Names = 0x0800;

interface Written {
  readonly name: Buffer;
  readonly bytes: number;
  readonly crc32: number;
  readonly at: number;
}

/**
 * A zip archive of members stored as they are, in pieces; zip64 where a length or position needs it. No times in it.
 *
 * @param wideFrom lengths and positions from here on are written in 64 bits
 */
export function* storedZipParts(
  members: ReadonlyMap<string, Uint8Array>,
  wideFrom = full32,
): Generator<Uint8Array> {
  const written: Written[] = [];
  let at = 0;
  for (const [memberName, data] of members) {
    const entry = { name: Buffer.from(memberName), bytes: data.length, crc32: crc32Of(data), at };
    const header = localHeader(entry, wideFrom);
    yield header;
    yield data;
    written.push(entry);
    at += header.length + data.length;
  }
  const directory = Buffer.concat(written.map((entry) => directoryEntry(entry, wideFrom)));
  yield directory;
  yield directoryEnd(written.length, directory.length, at, wideFrom);
}

function localHeader({ name, bytes, crc32: sum, at }: Written, wideFrom: number): Buffer {
  const is64 = bytes >= wideFrom;
  const sizes = is64 ? zip64Field([bytes, bytes]) : Buffer.alloc(0);
  const unpadded = 30 + name.length + sizes.length + 4;
  const padding = (alignment - ((at + unpadded) % alignment)) % alignment;
  const pad = Buffer.alloc(4 + padding);
  pad.write("FB", 0, "latin1");
  pad.writeUInt16LE(padding, 2);
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(is64 ? 45 : 20, 4);
  head.writeUInt16LE(utf8Names, 6);
  head.writeUInt32LE(sum, 14);
  head.writeUInt32LE(is64 ? full32 : bytes, 18);
  head.writeUInt32LE(is64 ? full32 : bytes, 22);
  head.writeUInt16LE(name.length, 26);
  head.writeUInt16LE(sizes.length + pad.length, 28);
  return Buffer.concat([head, name, sizes, pad]);
}

function directoryEntry({ name, bytes, crc32: sum, at }: Written, wideFrom: number): Buffer {
  const wide = [...(bytes >= wideFrom ? [bytes, bytes] : []), ...(at >= wideFrom ? [at] : [])];
  const narrow = (value: number): number => (value >= wideFrom ? full32 : value);
  const extra = wide.length > 0 ? zip64Field(wide) : Buffer.alloc(0);
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt16LE(wide.length > 0 ? 45 : 20, 4);
  head.writeUInt16LE(wide.length > 0 ? 45 : 20, 6);
  head.writeUInt16LE(utf8Names, 8);
  head.writeUInt32LE(sum, 16);
  head.writeUInt32LE(narrow(bytes), 20);
  head.writeUInt32LE(narrow(bytes), 24);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(extra.length, 30);
  head.writeUInt32LE(narrow(at), 42);
  return Buffer.concat([head, name, extra]);
}

function directoryEnd(entries: number, bytes: number, at: number, wideFrom: number): Buffer {
  const is64 = entries >= 0xffff || bytes >= wideFrom || at >= wideFrom;
  const record = Buffer.alloc(is64 ? 76 : 0);
  if (is64) {
    record.writeUInt32LE(0x06064b50, 0);
    record.writeBigUInt64LE(44n, 4);
    record.writeUInt16LE(45, 12);
    record.writeUInt16LE(45, 14);
    record.writeBigUInt64LE(BigInt(entries), 24);
    record.writeBigUInt64LE(BigInt(entries), 32);
    record.writeBigUInt64LE(BigInt(bytes), 40);
    record.writeBigUInt64LE(BigInt(at), 48);
    record.writeUInt32LE(0x07064b50, 56);
    record.writeBigUInt64LE(BigInt(at + bytes), 64);
    record.writeUInt32LE(1, 72);
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries, 0xffff), 8);
  end.writeUInt16LE(Math.min(entries, 0xffff), 10);
  end.writeUInt32LE(is64 ? full32 : bytes, 12);
  end.writeUInt32LE(is64 ? full32 : at, 16);
  return Buffer.concat([record, end]);
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, i) => field.writeBigUInt64LE(BigInt(value), 4 + 8 * i));
  return field;
}

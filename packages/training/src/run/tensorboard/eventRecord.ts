import { maskedCrc32c } from "./crc32c.js";

/** One event of an event file: the protocol buffer `tensorflow.Event` (tensorflow/core/util/event.proto), as far as curves need it. */
export interface TensorBoardEvent {
  /** Seconds since 1970. */
  wallTime: number;
  step: number;
  what: { fileVersion: string } | { scalars: Readonly<Record<string, number>> } | { sessionStart: true };
}

/** Wire types of protocol buffers. */
const varintType = 0;
const eightBytes = 1;
const lengthType = 2;
const fourBytes = 5;

/** The event as a TFRecord: length, its masked CRC, the data, their masked CRC (tensorflow/core/lib/io/record_writer.h). */
export function encodeEvent(event: TensorBoardEvent): Buffer {
  const data = Buffer.concat([
    double(1, event.wallTime),
    varint(2, event.step),
    "fileVersion" in event.what
      ? bytes(3, Buffer.from(event.what.fileVersion))
      : "scalars" in event.what
        ? bytes(5, summary(event.what.scalars))
        : bytes(7, varint(1, 1)), // SessionLog{status: START}: readers drop what they know from this step on
  ]);
  const record = Buffer.alloc(data.length + 16);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  data.copy(record, 12);
  record.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return record;
}

/** Summary{value: [{tag = 1, simple_value = 2}]} */
function summary(scalars: Readonly<Record<string, number>>): Buffer {
  const values = Object.entries(scalars).map(([tag, value]) =>
    bytes(1, Buffer.concat([bytes(1, Buffer.from(tag)), float(2, value)])),
  );
  return Buffer.concat(values);
}

const key = (field: number, type: number) => plainVarint(field * 8 + type);
const bytes = (field: number, value: Buffer) =>
  Buffer.concat([key(field, lengthType), plainVarint(value.length), value]);
const varint = (field: number, value: number) => Buffer.concat([key(field, varintType), plainVarint(value)]);

function double(field: number, value: number): Buffer {
  const encoded = Buffer.alloc(8);
  encoded.writeDoubleLE(value);
  return Buffer.concat([key(field, eightBytes), encoded]);
}

function float(field: number, value: number): Buffer {
  const encoded = Buffer.alloc(4);
  encoded.writeFloatLE(value);
  return Buffer.concat([key(field, fourBytes), encoded]);
}

/** Seven bits a byte, lowest first. @param value a whole number of at least 0 */
function plainVarint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  while (rest >= 128) {
    out.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  out.push(rest);
  return Buffer.from(out);
}

/**
 * Where each whole record of an event file ends, with its event's step: up to the first that is cut off or damaged.
 * Reads what `encodeEvent` wrote (the step is the second field).
 */
export function recordEnds(file: Buffer): { end: number; step: number }[] {
  const found: { end: number; step: number }[] = [];
  for (let at = 0; at + 16 <= file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    const end = at + length + 16;
    if (end > file.length || file.readUInt32LE(at + 8) !== maskedCrc32c(file.subarray(at, at + 8))) break;
    const data = file.subarray(at + 12, at + 12 + length);
    if (file.readUInt32LE(end - 4) !== maskedCrc32c(data)) break;
    found.push({ end, step: readVarint(data, 10) });
    at = end;
  }
  return found;
}

function readVarint(data: Buffer, at: number): number {
  let value = 0;
  for (let scale = 1, i = at; ; i++, scale *= 128) {
    const byte = data[i] ?? 0;
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
}

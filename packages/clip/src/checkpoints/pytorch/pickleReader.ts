import { CheckpointError } from "../checkpointError.js";

/** Reads the operands of a pickle's opcodes, never beyond its end. */
export class PickleReader {
  at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  uint8(): number {
    return this.view.getUint8(this.take(1));
  }

  uint16(): number {
    return this.view.getUint16(this.take(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  /** A length or frame in 8 bytes. */
  length64(): number {
    const value = this.view.getBigUint64(this.take(8), true);
    if (value > BigInt(this.bytes.length)) throw brokenPickle(`a length of ${value} bytes`, this.at);
    return Number(value);
  }

  /** Big-endian, alone among a pickle's numbers. */
  float64(): number {
    return this.view.getFloat64(this.take(8), false);
  }

  text(length: number): string {
    const start = this.take(length);
    return new TextDecoder().decode(this.bytes.subarray(start, start + length));
  }

  /** Up to a line feed, which is passed over. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw brokenPickle("a line without end", this.at);
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** A little-endian two's complement of so many bytes. */
  integer(length: number): number | bigint {
    if (length > 8) throw brokenPickle(`a whole number of ${length} bytes`, this.at);
    const start = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[start + i]!);
    const signed = BigInt.asIntN(8 * length, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }

  private take(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw brokenPickle("an operand beyond the end", start);
    this.at += length;
    return start;
  }
}

export function brokenPickle(problem: string, at: number): CheckpointError {
  return new CheckpointError(
    "pytorch_pickle_invalid",
    `Not a sound PyTorch checkpoint: its pickle has ${problem} at byte ${at}`,
    {
      hint: "Copy it again, or save it again with torch.save.",
    },
  );
}

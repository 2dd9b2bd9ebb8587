import type { AsyncBuffer } from "hyparquet";
import type { TableFile } from "../tableFile.js";

/**
 * A file as hyparquet reads it, a range at a time. A row group that is longer than a batch is wanted again by the next
 * one, so the slices of one batch are kept for the next.
 */
export class KeptSlices implements AsyncBuffer {
  readonly byteLength: number;
  private before = new Map<string, Promise<ArrayBuffer>>();
  private now = new Map<string, Promise<ArrayBuffer>>();

  constructor(private readonly file: TableFile) {
    this.byteLength = file.bytes;
  }

  nextBatch(): void {
    this.before = this.now;
    this.now = new Map();
  }

  slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const from = start < 0 ? this.byteLength + start : start;
    const key = `${from}-${end}`;
    const slice = this.now.get(key) ?? this.before.get(key) ?? this.load(from, end);
    this.now.set(key, slice);
    return slice;
  }

  private async load(start: number, end: number): Promise<ArrayBuffer> {
    const parts: Uint8Array[] = [];
    for await (const part of await this.file.read({ start, end })) parts.push(part);
    const whole = Buffer.concat(parts);
    return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength);
  }
}

import { Buffer } from "node:buffer";
import { foreignForm } from "./foreignForm.js";
import { TarEntry } from "./tarEntry.js";
import { blockBytes, decodeTarHeader, paddingOf, type TarHeader, viewOf } from "./tarHeader.js";

export interface TarProblem {
  kind: "foreign" | "header" | "truncated" | "too_large" | "unsupported" | "no_end" | "trailing";
  /** Byte of the tar where it shows. */
  offset: number;
  says: string;
  /** What to do about a file that is no tar. */
  hint?: string;
}

export interface TarScannerOptions {
  /** Where in the tar the first pushed byte lies (a member's beginning). */
  start?: number;
  /** A member that claims more is skipped and reported: 1 GiB by default. */
  maxMemberBytes?: number;
  onProblem?: (problem: TarProblem) => void;
}

interface Extension {
  offset: number;
  name?: string;
  size?: number;
}

/** pax records: "LENGTH KEY=VALUE\n", the length counting itself (POSIX.1-2001). Null where they are broken. */
function paxRecords(data: Buffer): { path?: string; size?: number } | null {
  const found: { path?: string; size?: number } = {};
  for (let at = 0; at < data.length;) {
    const blank = data.indexOf(32, at);
    const length = Number(data.toString("latin1", at, blank));
    if (blank < 0 || !Number.isInteger(length) || length <= blank - at || at + length > data.length)
      return null;
    const record = data.toString("utf8", blank + 1, at + length - 1);
    const equals = record.indexOf("=");
    const key = record.slice(0, equals);
    if (key === "path") found.path = record.slice(equals + 1);
    if (key === "size") found.size = Number(record.slice(equals + 1));
    at += length;
  }
  return found.size !== undefined && !(Number.isSafeInteger(found.size) && found.size >= 0) ? null : found;
}

/**
 * Reads a tar from chunks of any size. Damage is reported and stepped over: after a bad header the next block that
 * is a header goes on. Besides ustar it knows pax paths and sizes and GNU's long names, as Python's writers make.
 */
export class TarScanner {
  /** The beginning of a member that the chunks so far don't hold whole, and how many of its bytes are there. */
  private pending = Buffer.alloc(0);
  private held = 0;
  /** Bytes of the next member that must be there before it can be read. */
  private need = blockBytes;
  /** Bytes to drop before the next header. */
  private skip = 0;
  /** Where in the tar the next member begins. */
  private offset: number;
  private lost = false;
  /** True until something of a tar was found. */
  private begins: boolean;
  private extension: Extension | null = null;
  private readonly maxMemberBytes: number;
  private readonly report: (problem: TarProblem) => void;
  /** True after the block of zeros that ends a tar. */
  ended = false;
  private trailing = false;

  constructor({ start = 0, maxMemberBytes = 2 ** 30, onProblem }: TarScannerOptions = {}) {
    this.offset = start;
    this.begins = start === 0;
    this.maxMemberBytes = maxMemberBytes;
    this.report = onProblem ?? (() => {});
  }

  /** Takes the next bytes of the tar; returns the members that are whole now. The chunk must not be changed later. */
  push(chunk: Buffer): TarEntry[] {
    const entries: TarEntry[] = [];
    let at = this.drop(chunk, 0);
    // A member that began in an earlier chunk is put together alone, so that the chunk itself need not be copied.
    while (this.held > 0 && at < chunk.length) {
      at += this.hold(chunk, at);
      if (this.held < this.need) return entries;
      const whole = this.pending.subarray(0, this.held);
      this.held = 0;
      if (this.readAt(whole, viewOf(whole), 0, entries) === 0) this.hold(whole, 0);
      else at = this.drop(chunk, at);
    }
    const view = viewOf(chunk);
    while (!this.ended && at < chunk.length) {
      const taken = chunk.length - at < blockBytes ? 0 : this.readAt(chunk, view, at, entries);
      if (taken === 0) {
        this.hold(chunk, at);
        return entries;
      }
      at += taken;
    }
    if (this.ended && at < chunk.length) this.checkTrailing(chunk.subarray(at));
    return entries;
  }

  /** Passes over the bytes of `chunk` that are to be dropped; returns where the rest begins. */
  private drop(chunk: Buffer, at: number): number {
    const dropped = Math.min(this.skip, chunk.length - at);
    this.skip -= dropped;
    this.offset += dropped;
    return at + dropped;
  }

  /** Keeps what the next member needs of the bytes from `at` on; returns how many that were. */
  private hold(chunk: Buffer, at: number): number {
    if (this.pending.length < this.need || this.held === 0) {
      const larger = Buffer.allocUnsafeSlow(this.need);
      this.pending.copy(larger, 0, 0, this.held);
      this.pending = larger;
    }
    const count = chunk.copy(this.pending, this.held, at, at + this.need - this.held);
    this.held += count;
    return count;
  }

  /** Reads the member at `at`; returns how many bytes it took, 0 where more (`need`) must be there. */
  private readAt(buffer: Buffer, view: DataView, at: number, entries: TarEntry[]): number {
    const header = decodeTarHeader(buffer, at, view);
    const there = buffer.length - at;
    this.need = blockBytes;
    if (header === "end") {
      this.begins = false;
      this.ended = true;
      this.offset += blockBytes;
      return blockBytes;
    }
    if (header === "bad") {
      if (this.isForeign(buffer.subarray(at, at + blockBytes))) return there;
      if (!this.lost) this.report({ kind: "header", offset: this.offset, says: "no valid header here" });
      this.lost = true;
      this.extension = null;
      this.offset += blockBytes;
      return blockBytes;
    }
    this.lost = false;
    this.begins = false;
    const size = this.extension?.size ?? header.size;
    if (size > this.maxMemberBytes) {
      const says = `${header.name} claims ${size} bytes, ${this.maxMemberBytes} at most`;
      this.report({ kind: "too_large", offset: this.offset, says });
      this.extension = null;
    } else {
      if (there < blockBytes + size) {
        this.need = blockBytes + size;
        return 0;
      }
      const entry = this.take(header, this.offset, buffer, at + blockBytes, size);
      if (entry !== null) entries.push(entry);
    }
    const whole = blockBytes + size + paddingOf(size);
    const taken = Math.min(whole, there);
    this.skip = whole - taken;
    this.offset += taken;
    return taken;
  }

  /** To be called when the file is at its end: reports what is missing. */
  end(): void {
    if (this.ended || this.isForeign(this.pending.subarray(0, this.held))) return;
    if (this.held > 0 || this.skip > 0) {
      const says = "the file ends in the middle of a member";
      this.report({ kind: "truncated", offset: this.offset, says });
    } else {
      const says = this.begins ? "the file is empty" : "the blocks that end a tar are missing";
      this.report({ kind: "no_end", offset: this.offset, says });
    }
  }

  /** Whether the file's first bytes are those of something else, which is reported and not read further. */
  private isForeign(first: Buffer): boolean {
    const form = this.begins ? foreignForm(first) : null;
    this.begins = this.begins && first.length === 0;
    if (form === null) return false;
    this.report({ kind: "foreign", offset: 0, ...form });
    this.ended = true;
    this.trailing = true;
    return true;
  }

  private take(header: TarHeader, offset: number, chunk: Buffer, at: number, size: number): TarEntry | null {
    const { type } = header;
    const extension = this.extension;
    if (type === "x" || type === "L") {
      const data = chunk.subarray(at, at + size);
      this.extension = { offset: extension?.offset ?? offset, ...extension };
      if (type === "L") {
        const nul = data.indexOf(0);
        this.extension.name = data.toString("utf8", 0, nul === -1 ? data.length : nul);
        return null;
      }
      const records = paxRecords(data);
      if (records === null) this.report({ kind: "header", offset, says: "broken pax records" });
      if (records?.path !== undefined) this.extension.name = records.path;
      if (records?.size !== undefined) this.extension.size = records.size;
      return null;
    }
    this.extension = null;
    if (type === "g" || type === "K" || type === "5") return null;
    const name = extension?.name ?? header.name;
    if (type !== "0" && type !== "7") {
      const says = `${name} is no ordinary file (type ${JSON.stringify(type)})`;
      this.report({ kind: "unsupported", offset, says });
      return null;
    }
    return new TarEntry(name, extension?.offset ?? offset, offset + blockBytes, chunk, at, size);
  }

  private checkTrailing(rest: Buffer): void {
    if (this.trailing) return;
    const first = rest.findIndex((byte) => byte !== 0);
    const { offset } = this;
    this.offset += rest.length;
    if (first === -1) return;
    this.trailing = true;
    const block = first - ((offset + first) % blockBytes);
    const isHeader = block >= 0 && block + blockBytes <= rest.length && typeof decodeTarHeader(rest, block) === "object"; // prettier-ignore
    const says = isHeader
      ? "another tar follows after its end, to whose members no reader comes (tar --concatenate joins tars)"
      : "there are bytes after the end of the tar";
    this.report({ kind: "trailing", offset: offset + Math.max(block, 0), says });
  }
}

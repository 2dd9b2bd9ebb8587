import { CheckpointError } from "../checkpointError.js";
import { crc32Of } from "./crc32Of.js";
import type { RandomAccess } from "./randomAccess.js";

/** Where an entry's bytes lie in the archive. */
export interface ZipEntry {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly crc32: number;
  readonly isCompressed: boolean;
}

/** The entry as its directory describes it; its data begin after a local header that is still to be read. */
interface ListedEntry {
  readonly name: string;
  readonly header: number;
  readonly bytes: number;
  readonly crc32: number;
  readonly isCompressed: boolean;
}

/** More than any checkpoint has: two million tensors' worth of directory would be a file made to hurt. */
const maxEntries = 100_000;
const maxDirectoryBytes = 64 * 2 ** 20;

const directoryEndBytes = 22;
const entryBytes = 46;
const localHeaderBytes = 30;

/**
 * The entries of a zip archive as PyTorch writes one; zip64 too. An encrypted member, two members that share bytes, a
 * member beyond the file are refused, all before a member is read. Members are read only where they are stored as they
 * are; TorchScript compresses its code, which nobody reads here. (APPNOTE.TXT 6.3.10, sections 4.3 and 4.5.3.)
 *
 * @throws CheckpointError "pytorch_zip_invalid"
 */
export async function listStoredZip(file: RandomAccess): Promise<Map<string, ZipEntry>> {
  const directory = await findDirectory(file);
  const listed = parseDirectory(await file.read(directory.start, directory.end), directory.entries);
  const entries = new Map<string, ZipEntry>();
  const claims: { name: string; from: number; to: number }[] = [
    { name: "the directory", from: directory.start, to: file.size },
  ];
  for (const entry of listed) {
    const start = await dataStart(file, entry);
    const end = start + entry.bytes;
    if (end > file.size) throw invalid(`the member ${quoted(entry.name)} reaches beyond the file`);
    if (entries.has(entry.name)) throw invalid(`two members are named ${quoted(entry.name)}`);
    const { name, crc32, isCompressed } = entry;
    entries.set(name, { name, start, end, crc32, isCompressed });
    claims.push({ name: quoted(entry.name), from: entry.header, to: end });
  }
  checkApart(claims);
  return entries;
}

/** A member's bytes. @throws CheckpointError where it is compressed, or they are not those that were written */
export async function readStoredEntry(file: RandomAccess, entry: ZipEntry): Promise<Uint8Array<ArrayBuffer>> {
  if (entry.isCompressed)
    throw invalid(`the member ${quoted(entry.name)} is compressed; PyTorch stores its members as they are`);
  const bytes = await file.read(entry.start, entry.end);
  if (crc32Of(bytes) !== entry.crc32)
    throw invalid(`the member ${quoted(entry.name)} is damaged: its CRC-32 differs`);
  return bytes;
}

async function findDirectory(file: RandomAccess): Promise<{ start: number; end: number; entries: number }> {
  const from = Math.max(0, file.size - directoryEndBytes - 0xffff);
  const tail = viewOf(await file.read(from, file.size));
  let at = tail.byteLength - directoryEndBytes;
  while (
    at >= 0 &&
    !(
      tail.getUint32(at, true) === 0x06054b50 &&
      at + directoryEndBytes + tail.getUint16(at + 20, true) === tail.byteLength
    )
  )
    at--;
  if (at < 0) throw invalid("it has no end of directory; was it cut off?");
  const place = {
    entries: tail.getUint16(at + 10, true),
    bytes: tail.getUint32(at + 12, true),
    start: tail.getUint32(at + 16, true),
    limit: from + at,
  };
  const is64 = place.entries === 0xffff || place.bytes === 0xffffffff || place.start === 0xffffffff;
  const { entries, bytes, start, limit } =
    is64 || hasLocator(tail, at) ? await findDirectory64(file, from + at) : place;
  if (entries > maxEntries) throw invalid(`its directory claims ${entries} members, more than ${maxEntries}`);
  if (bytes > maxDirectoryBytes)
    throw invalid(`its directory claims ${bytes} bytes, more than ${maxDirectoryBytes}`);
  if (start + bytes > limit) throw invalid("its directory does not lie before the directory's end");
  return { start, end: start + bytes, entries };
}

const hasLocator = (tail: DataView, at: number): boolean =>
  at >= 20 && tail.getUint32(at - 20, true) === 0x07064b50;

async function findDirectory64(file: RandomAccess, end: number) {
  if (end < 20) throw invalid("its zip64 locator is missing");
  const locator = viewOf(await file.read(end - 20, end));
  if (locator.getUint32(0, true) !== 0x07064b50) throw invalid("its zip64 locator is missing");
  const at = whole(locator, 8, "zip64 record's position");
  if (at + 56 > end - 20) throw invalid("its zip64 record does not lie before its locator");
  const record = viewOf(await file.read(at, at + 56));
  if (record.getUint32(0, true) !== 0x06064b50) throw invalid("its zip64 record is missing");
  return {
    entries: whole(record, 32, "number of members"),
    bytes: whole(record, 40, "directory's length"),
    start: whole(record, 48, "directory's position"),
    limit: at,
  };
}

function parseDirectory(bytes: Uint8Array, count: number): ListedEntry[] {
  const view = viewOf(bytes);
  const entries: ListedEntry[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + entryBytes > bytes.length || view.getUint32(at, true) !== 0x02014b50)
      throw invalid("its directory is broken");
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + entryBytes + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > bytes.length) throw invalid("its directory is broken");
    const nameEnd = at + entryBytes + nameLength;
    const name = new TextDecoder().decode(bytes.subarray(at + entryBytes, nameEnd));
    if ((view.getUint16(at + 8, true) & 1) !== 0) throw invalid(`the member ${quoted(name)} is encrypted`);
    const isCompressed = view.getUint16(at + 10, true) !== 0;
    const sizes = {
      inflated: view.getUint32(at + 24, true),
      bytes: view.getUint32(at + 20, true),
      header: view.getUint32(at + 42, true),
    };
    readZip64(new DataView(view.buffer, view.byteOffset + nameEnd, extraLength), sizes);
    if (!isCompressed && sizes.inflated !== sizes.bytes)
      throw invalid(`the member ${quoted(name)} has two lengths`);
    const crc32 = view.getUint32(at + 16, true);
    entries.push({ name, header: sizes.header, bytes: sizes.bytes, crc32, isCompressed });
    at = next;
  }
  if (at !== bytes.length) throw invalid("its directory is longer than its members");
  return entries;
}

/** Puts the 64-bit values of an extra field (id 1) in the place of those that say "look there". */
function readZip64(extra: DataView, sizes: { inflated: number; bytes: number; header: number }): void {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    const length = extra.getUint16(at + 2, true);
    if (extra.getUint16(at, true) !== 1) continue;
    let field = at + 4;
    const end = Math.min(extra.byteLength, field + length);
    for (const key of ["inflated", "bytes", "header"] as const) {
      if (sizes[key] !== 0xffffffff) continue;
      if (field + 8 > end) throw invalid("a zip64 field of its directory is cut off");
      sizes[key] = whole(extra, field, "a member's length or position");
      field += 8;
    }
    return;
  }
}

async function dataStart(file: RandomAccess, { name, header }: ListedEntry): Promise<number> {
  if (header + localHeaderBytes > file.size)
    throw invalid(`the member ${quoted(name)} reaches beyond the file`);
  const local = viewOf(await file.read(header, header + localHeaderBytes));
  if (local.getUint32(0, true) !== 0x04034b50) throw invalid(`the member ${quoted(name)} has no header`);
  return header + localHeaderBytes + local.getUint16(26, true) + local.getUint16(28, true);
}

function checkApart(claims: { name: string; from: number; to: number }[]): void {
  claims.sort((a, b) => a.from - b.from || a.to - b.to);
  for (const [i, next] of claims.entries()) {
    const before = claims[i - 1];
    if (before !== undefined && next.from < before.to)
      throw invalid(`${before.name} and ${next.name} share bytes`);
  }
}

function whole(view: DataView, at: number, what: string): number {
  const value = view.getBigUint64(at, true);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalid(`${what} is ${value}`);
  return Number(value);
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const quoted = (name: string): string => JSON.stringify(name.slice(0, 80));

function invalid(problem: string): CheckpointError {
  return new CheckpointError("pytorch_zip_invalid", `Not a sound PyTorch checkpoint: ${problem}`, {
    hint: "Copy it again, or save it again with torch.save.",
  });
}

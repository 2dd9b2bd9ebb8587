import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import type { SegmentRow } from "@pairloom/config";
import { BlobNotFoundError, type Store } from "@pairloom/storage";
import { type Column, decodeTable } from "../parquet/table.js";
import { blockBytes, decodeTarHeader } from "../tar/tarHeader.js";
import { CorruptSegmentError } from "./corruptSegmentError.js";
import { placeColumns, segmentColumns, type StoredSegmentRow } from "./segmentTable.js";
import { parseSegmentInfo, segmentFile, type SegmentInfo } from "./writeSegment.js";

/** Pictures closer together than this are read in one request. */
const gapBytes = 1 << 16;
const spanBytes = 8 << 20;

async function readTable(
  store: Store,
  id: string,
  columns: readonly Column<StoredSegmentRow>[],
): Promise<{ rows: StoredSegmentRow[]; info: SegmentInfo }> {
  const file = segmentFile(id);
  const bytes = await store.get(file);
  try {
    const { rows, metadata } = await decodeTable(columns, bytes);
    const info = parseSegmentInfo(metadata);
    if (info.rows !== rows.length) throw new Error(`it has ${rows.length} rows of ${info.rows}`);
    return { rows, info };
  } catch (cause) {
    throw new CorruptSegmentError(id, file, store.url, (cause as Error).message, cause);
  }
}

/** All rows of a segment, in the order they were written. @throws CorruptSegmentError, BlobNotFoundError */
export async function readSegmentRows(store: Store, id: string): Promise<SegmentRow[]> {
  return (await readSegment(store, id)).rows;
}

/** A segment as its parquet tells of it. */
export interface Segment {
  /** In the order they were written. */
  rows: SegmentRow[];
  tar: string | null;
  tarBytes: number;
  /** How many candidates of its file it covers. */
  candidates: number;
}

/** @throws CorruptSegmentError, BlobNotFoundError */
export async function readSegment(store: Store, id: string): Promise<Segment> {
  const { rows, info } = await readTable(store, id, segmentColumns);
  const { tar, tarBytes, candidates = rows.length } = info;
  return {
    rows: rows.map(({ memberOffset: _o, memberBytes: _b, memberCrc32: _c, ...row }) => row),
    tar,
    tarBytes,
    candidates,
  };
}

/** Where one picture lies in its segment's tar. */
export interface PicturePlace {
  member: string;
  /** Of the data, behind the header. */
  offset: number;
  bytes: number;
  crc32: number;
}

/** Where a segment's pictures lie. */
export interface SegmentPlaces {
  segment: string;
  /** Null where the segment has no picture. */
  tar: string | null;
  places: Map<string, PicturePlace>;
}

/** The places of a segment's pictures, or of the wanted ones alone. @throws CorruptSegmentError, BlobNotFoundError */
export async function readSegmentPlaces(
  store: Store,
  id: string,
  wanted: ReadonlySet<string> | null = null,
): Promise<SegmentPlaces> {
  const { rows, info } = await readTable(store, id, placeColumns);
  const places = new Map<string, PicturePlace>();
  for (const { member, memberOffset, memberBytes, memberCrc32 } of rows) {
    if (member === null || memberOffset === null || memberBytes === null || memberCrc32 === null) continue;
    if (wanted !== null && !wanted.has(member)) continue;
    places.set(member, { member, offset: memberOffset, bytes: memberBytes, crc32: memberCrc32 });
  }
  return { segment: id, tar: info.tar, places };
}

async function readSpan(store: Store, name: string, start: number, end: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await store.read(name, { start, end })) chunks.push(chunk as Buffer);
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/**
 * The named pictures, each checked against its header, size and CRC-32, in the order of the tar; pictures that lie
 * close together are read in one request.
 * @throws CorruptSegmentError
 */
export async function* readPictures(
  store: Store,
  { segment, tar, places }: SegmentPlaces,
  wanted: Iterable<string>,
): AsyncGenerator<{ member: string; bytes: Buffer }, void> {
  const file = tar ?? segmentFile(segment);
  const sorted = [...wanted].map((member) => {
    const place = places.get(member);
    if (place !== undefined) return place;
    throw new CorruptSegmentError(segment, file, store.url, `it has no picture ${member}`);
  });
  sorted.sort((a, b) => a.offset - b.offset);
  for (let first = 0; first < sorted.length;) {
    const start = (sorted[first] as PicturePlace).offset - blockBytes;
    let end = start;
    let last = first;
    for (; last < sorted.length; last++) {
      const { offset, bytes } = sorted[last] as PicturePlace;
      if (last > first && (offset - end > gapBytes || offset + bytes - start > spanBytes)) break;
      end = offset + bytes;
    }
    let span: Buffer;
    try {
      span = await readSpan(store, file, start, end);
    } catch (cause) {
      if (!(cause instanceof BlobNotFoundError)) throw cause;
      throw new CorruptSegmentError(segment, file, store.url, "the file is missing", cause);
    }
    for (const { member, offset, bytes, crc32: sum } of sorted.slice(first, last)) {
      const data = span.subarray(offset - start, offset - start + bytes);
      if (data.length < bytes)
        throw new CorruptSegmentError(segment, file, store.url, `it ends before ${member}`);
      const header = decodeTarHeader(span, offset - start - blockBytes);
      const fits = typeof header === "object" && header.name === member && header.size === bytes;
      if (!fits || crc32(data) !== sum) {
        throw new CorruptSegmentError(
          segment,
          file,
          store.url,
          `the bytes of ${member} are not those written`,
        );
      }
      yield { member, bytes: data };
    }
    first = last;
  }
}

/** The wanted pictures of a segment, in the order of its tar. @throws CorruptSegmentError, BlobNotFoundError */
export async function* readSegmentPictures(
  store: Store,
  id: string,
  wanted: ReadonlySet<string>,
): AsyncGenerator<{ member: string; bytes: Buffer }, void> {
  if (wanted.size > 0) yield* readPictures(store, await readSegmentPlaces(store, id), wanted);
}

/** The ids of all published segments, in byte order. */
export async function* listSegments(store: Store): AsyncGenerator<string, void> {
  for await (const { name } of store.list("segments/")) {
    const id = /^segments\/([A-Za-z0-9_-]+)\.parquet$/.exec(name)?.[1];
    if (id !== undefined) yield id;
  }
}

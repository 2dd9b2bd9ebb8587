import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { reasonNames, type SegmentRow } from "@pairloom/config";
import type { Store } from "@pairloom/storage";
import { encodeTable, tableMetadata } from "../parquet/table.js";
import { TarPacker } from "../tar/packTar.js";
import { blockBytes } from "../tar/tarHeader.js";
import { segmentColumns, type StoredSegmentRow } from "./segmentTable.js";

/** Key of the metadata that makes a segment's parquet its commit point. */
export const segmentKey = "pairloom.segment";

/** What a segment's parquet says of its tar; `tar` is null where no picture was fetched. */
export interface SegmentInfo {
  version: 1;
  rows: number;
  tar: string | null;
  tarBytes: number;
  /** How many candidates of its file it covers; not in segments of earlier versions, which have a row for each. */
  candidates?: number;
}

const idPattern = /^[A-Za-z0-9_-]{1,128}$/;

/** The name of a segment's parquet. @throws Error where the id is none */
export function segmentFile(id: string): string {
  if (!idPattern.test(id)) {
    throw new Error(`Expected a segment's id to be letters, digits, - and _, got ${JSON.stringify(id)}`);
  }
  return `segments/${id}.parquet`;
}

const known = new Set<string>(reasonNames);

function checkRow(row: SegmentRow, pictures: ReadonlyMap<string, Uint8Array>): void {
  const { candidateId, reason, member } = row;
  if (reason !== null && !known.has(reason))
    throw new Error(`Row ${candidateId} has the unknown reason ${reason}`);
  if ((reason === null) !== (member !== null)) {
    throw new Error(`Row ${candidateId} must have either a picture or a reason`);
  }
  if (member !== null && !pictures.has(member))
    throw new Error(`Row ${candidateId} names no picture: ${member}`);
}

/**
 * Publishes one segment: the tar of its pictures first, then the parquet of its rows, which names the tar and is
 * the commit point. Of two runs of one job the first parquet wins; the other's tar is removed.
 * @param pictures every row's `member`, and nothing else
 * @param candidates how many of a file of candidates the rows stand for
 * @throws DiskFullError
 */
export async function writeSegment(
  store: Store,
  id: string,
  rows: readonly SegmentRow[],
  pictures: ReadonlyMap<string, Uint8Array>,
  candidates: number = rows.length,
): Promise<"published" | "exists"> {
  const file = segmentFile(id);
  if ((await store.stat(file)) !== null) return "exists";
  const packer = new TarPacker();
  const chunks: Buffer[] = [];
  const stored = rows.map((row): StoredSegmentRow => {
    checkRow(row, pictures);
    const data = row.member === null ? undefined : pictures.get(row.member);
    if (row.member === null || data === undefined) {
      return { ...row, memberOffset: null, memberBytes: null, memberCrc32: null };
    }
    const memberOffset = packer.offset + blockBytes;
    chunks.push(...packer.add(row.member, data));
    return { ...row, memberOffset, memberBytes: data.byteLength, memberCrc32: crc32(data) };
  });
  const members = new Set(rows.map(({ member }) => member).filter((member) => member !== null));
  if (
    members.size !== pictures.size ||
    members.size !== rows.filter(({ member }) => member !== null).length
  ) {
    throw new Error(`Segment ${id}: every picture must belong to exactly one row`);
  }
  const info: SegmentInfo = { version: 1, rows: rows.length, tar: null, tarBytes: 0, candidates };
  if (members.size > 0) {
    chunks.push(...packer.end());
    const hash = createHash("sha256");
    for (const chunk of chunks) hash.update(chunk);
    info.tar = `segments/${id}.${hash.digest("hex").slice(0, 16)}.tar`;
    info.tarBytes = packer.offset;
    await store.publish(info.tar, streamOf(chunks));
  }
  const table = encodeTable(segmentColumns, stored, { [segmentKey]: JSON.stringify(info) });
  const result = await store.publish(file, table);
  if (result === "exists" && info.tar !== null) {
    const winner = parseSegmentInfo(tableMetadata(await store.get(file)));
    if (winner.tar !== info.tar) await store.delete(info.tar);
  }
  return result;
}

async function* streamOf(chunks: Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

/** @throws Error where the metadata is no segment's */
export function parseSegmentInfo(metadata: Record<string, string>): SegmentInfo {
  const info = JSON.parse(metadata[segmentKey] ?? "null") as SegmentInfo | null;
  if (info === null) throw new Error("it is no segment: its metadata names no tar");
  return info;
}

import { createHash } from "node:crypto";
import { BlobNotFoundError, type Store } from "@pairloom/storage";
import { CorruptSegmentError } from "./corruptSegmentError.js";
import { readSegment, type Segment } from "./readSegment.js";

/** Names of tars: the segment's id, and what the bytes hash to. */
const tarName = /^segments\/([A-Za-z0-9_-]+)\.([0-9a-f]{16})\.tar$/;

/**
 * Reads a segment and every byte of its tar.
 * @throws CorruptSegmentError naming the file that is damaged or missing; BlobNotFoundError where there is no such segment
 */
export async function checkSegment(store: Store, id: string): Promise<Segment> {
  const segment = await readSegment(store, id);
  const { tar, tarBytes } = segment;
  if (tar === null) return segment;
  const wrong = await checkTar(store, tar, tarBytes);
  if (wrong !== null) throw new CorruptSegmentError(id, tar, store.url, wrong);
  return segment;
}

/** What is wrong with a segment's tar, whose name says what it hashes to; null where every byte is as it was written. */
export async function checkTar(store: Store, name: string, bytes?: number): Promise<string | null> {
  const [, , wanted] = tarName.exec(name) ?? [];
  if (wanted === undefined) return "its name is no segment's";
  const hash = createHash("sha256");
  let count = 0;
  try {
    for await (const chunk of await store.read(name)) {
      hash.update(chunk as Buffer);
      count += (chunk as Buffer).length;
    }
  } catch (error) {
    if (error instanceof BlobNotFoundError) return "the file is missing";
    throw error;
  }
  if (bytes !== undefined && count !== bytes) return `it has ${count} bytes of ${bytes}`;
  return hash.digest("hex").startsWith(wanted) ? null : "its bytes are not those written";
}

/** The id of the segment that a tar belongs to; null for the name of anything else. */
export const segmentOfTar = (name: string): string | null => tarName.exec(name)?.[1] ?? null;

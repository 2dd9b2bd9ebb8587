import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import { BlobNotFoundError, type Store } from "@pairloom/storage";
import { TarScanner } from "../tar/tarScanner.js";
import { MemberGrouper } from "./groupSamples.js";
import { type QuarantinedMember, sampleOfGroup, type ShardSample } from "./shardSample.js";

const chunkBytes = 4 << 20;

/** The bytes of a blob from `start`, in chunks that are never written to again. */
async function* chunksOf(store: Store, name: string, start: number): AsyncGenerator<Buffer, void> {
  const path = store.localPath(name);
  if (path === null) {
    for await (const chunk of await store.read(name, { start })) yield chunk as Buffer;
    return;
  }
  const handle = await open(path, "r").catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? new BlobNotFoundError(name, store.url) : error;
  });
  try {
    const { size } = await handle.stat();
    for (let position = start; position < size;) {
      const wanted = Math.min(chunkBytes, size - position);
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafeSlow(wanted), 0, wanted, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}

export interface PlacedSample {
  sample: ShardSample;
  /** Where its first member begins in the tar: reading can start here. */
  offset: number;
}

/**
 * The samples of one shard from a sample's `offset` on, in batches as they are read. What is damaged goes to
 * `onQuarantine` and the next good sample goes on.
 * @throws BlobNotFoundError
 */
export async function* readShardBatches(
  store: Store,
  shard: string,
  start = 0,
  onQuarantine: (member: QuarantinedMember) => void = () => {},
): AsyncGenerator<PlacedSample[], void> {
  const scanner = new TarScanner({
    start,
    onProblem: ({ offset, says }) => onQuarantine({ shard, key: null, offset, says }),
  });
  const grouper = new MemberGrouper();
  const samplesOf = (groups: ReturnType<MemberGrouper["push"]>) => {
    const good: PlacedSample[] = [];
    for (const group of groups) {
      const sample = sampleOfGroup(group);
      if ("says" in sample) onQuarantine({ shard, key: group.key, offset: group.offset, says: sample.says });
      else good.push({ sample, offset: group.offset });
    }
    return good;
  };
  for await (const chunk of chunksOf(store, shard, start)) {
    const good = samplesOf(grouper.push(scanner.push(chunk)));
    if (good.length > 0) yield good;
    if (scanner.ended) break;
  }
  scanner.end();
  const last = samplesOf(grouper.end());
  if (last.length > 0) yield last;
}

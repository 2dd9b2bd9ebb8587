import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import { BlobNotFoundError, type Store } from "@pairloom/storage";
import { TarScanner } from "../tar/tarScanner.js";
import { type MemberGroup, MemberGrouper } from "./groupSamples.js";
import { type QuarantinedMember, type ReaderNote, reasonOfTar } from "./quarantine.js";
import { sampleOfGroup, type StoredSample } from "./shardSample.js";

const chunkBytes = 4 << 20;

/** The bytes of a blob, in chunks that are never written to again. */
async function* chunksOf(store: Store, name: string): AsyncGenerator<Buffer, void> {
  const path = store.localPath(name);
  if (path === null) {
    for await (const chunk of await store.read(name)) yield chunk as Buffer;
    return;
  }
  const handle = await open(path, "r").catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? new BlobNotFoundError(name, store.url) : error;
  });
  try {
    const { size } = await handle.stat();
    for (let position = 0; position < size;) {
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
  sample: StoredSample;
  /** Where its first member begins in the tar: reading can start here. */
  offset: number;
}

/**
 * The samples of one shard from a sample's `offset` on, in batches as they are read. What is damaged goes to
 * `onQuarantine` and the next good sample goes on; of two samples with one key the first is good.
 * A shard is always read from its beginning, so that a key before `start` is known when it comes again.
 * @throws BlobNotFoundError
 */
export async function* readShardBatches(
  store: Store,
  shard: string,
  start = 0,
  onQuarantine: (member: QuarantinedMember) => void = () => {},
  onNote: (note: ReaderNote) => void = () => {},
): AsyncGenerator<PlacedSample[], void> {
  const putAside = (member: Omit<QuarantinedMember, "shard">) => {
    if (member.offset >= start) onQuarantine({ shard, ...member });
  };
  const note = (one: Omit<ReaderNote, "shard">) => {
    if (one.offset >= start) onNote({ shard, ...one });
  };
  const scanner = new TarScanner({
    onProblem: (problem) => {
      const { offset, says, hint } = problem;
      const doing = hint === undefined ? {} : { hint };
      putAside({ key: null, offset, reason: reasonOfTar(problem), says, ...doing });
    },
  });
  const grouper = new MemberGrouper(({ name, offset }, why) => {
    if (why === "macos_file") note({ kind: why, key: null, offset, says: `${name} is macOS's` });
    else if (why === "no_key") putAside({ key: null, offset, reason: why, says: `${name} has no key` });
  });
  const keys = new Set<string>();
  const samplesOf = (groups: readonly MemberGroup[]) => {
    const good: PlacedSample[] = [];
    for (const group of groups) {
      const { key, offset } = group;
      const repeated = keys.has(key);
      keys.add(key);
      if (offset < start) continue;
      const sample = repeated
        ? ({ reason: "duplicate_key", says: "its key was there before" } as const)
        : sampleOfGroup(group, ({ says }) => note({ kind: "record_dropped", key, offset, says }));
      if ("reason" in sample) putAside({ key, offset, ...sample });
      else good.push({ sample, offset });
    }
    return good;
  };
  for await (const chunk of chunksOf(store, shard)) {
    const good = samplesOf(grouper.push(scanner.push(chunk)));
    if (good.length > 0) yield good;
    if (scanner.ended) break;
  }
  scanner.end();
  const last = samplesOf(grouper.end());
  if (last.length > 0) yield last;
}

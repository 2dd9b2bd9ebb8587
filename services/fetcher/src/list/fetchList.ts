import { setMaxListeners } from "node:events";
import type { Decoders } from "@pairloom/image/decoders";
import type { Store } from "@pairloom/storage";
import type { Web } from "@pairloom/web";
import { AdmissionWindow } from "./admissionWindow.js";
import { fetchRow } from "./fetchRow.js";
import type { ListSettings } from "./listSettings.js";
import type { ListTally } from "./listTally.js";
import { openList } from "./read/openList.js";
import { readList, type ShardOfList } from "./read/readList.js";
import { ShardInHand } from "./shardInHand.js";
import { clearShards, doneShards } from "./write/shardPlace.js";

export interface ListContext {
  settings: ListSettings;
  /** The output folder. */
  store: Store;
  web: Web;
  tally: ListTally;
  signal: AbortSignal;
  decoders: Decoders;
}

/** Shards that are filled at once: while the last hosts of one let us wait, the next ones go on. */
const openShards = 3;

/**
 * Fetches a URL list into shards. A shard appears whole (its statistics last); what a killed run left is made again by
 * the next. Memory holds the rows of a few shards and the pictures in hand.
 * @throws UserError where the list can't be read; DiskFullError; what the signal was aborted with
 */
export async function fetchList(context: ListContext): Promise<void> {
  const { settings, store, tally, signal } = context;
  // Before anything is removed or fetched.
  const onNote = (note: string) => tally.notes.push(note);
  const list = await openList(settings, { checking: tally.checking, onNote, signal });
  if (settings.incrementalMode === "overwrite") await clearShards(store);
  const done = await doneShards(store);
  const isExtend = settings.incrementalMode === "extend";
  const firstShard = isExtend ? Math.max(-1, ...done) + 1 : 0;
  const isDone = (shard: number) => !isExtend && done.has(shard);
  tally.shardsThere = isExtend ? 0 : done.size;
  const shards = readList(list, settings, { firstShard, isDone, position: tally.position });
  await fillShards(context, shards);
}

/** The window of a run. @param most rows under way at most */
export function openWindow({ decoders }: ListContext, most: number): AdmissionWindow {
  const { picturesAtOnce } = decoders;
  return new AdmissionWindow({ least: Math.min(most, 16 + 2 * picturesAtOnce), most, picturesAtOnce });
}

/** Fetches the rows of shards as they come, `openShards` at a time, and publishes each when its last row has ended. */
async function fillShards(context: ListContext, shards: AsyncIterable<ShardOfList>): Promise<void> {
  const { settings, tally } = context;
  const most = openShards * settings.numberSamplePerShard;
  const window = openWindow(context, most);
  const failure = new AbortController();
  const signal = AbortSignal.any([context.signal, failure.signal]);
  // Every row under way listens.
  setMaxListeners(0, signal);
  const filling = new Set<Promise<void>>();
  try {
    for await (const part of shards) {
      while (filling.size >= openShards) await Promise.race(filling);
      tally.open += part.rows.length;
      const shard = await ShardInHand.open(context, part);
      const ended: Promise<unknown>[] = [];
      for (const [at, row] of part.rows.entries()) {
        await window.enter();
        if (signal.aborted) break;
        const outcome = fetchRow(row, { ...context, signal, decode: window.decode, hold: window.hold });
        const written = outcome.then((known) => shard.take(at, known)).finally(() => window.leave());
        written.catch((error: unknown) => failure.abort(error));
        ended.push(written);
      }
      const filled = Promise.all(ended)
        .then(() => (signal.aborted ? undefined : shard.publish()))
        .catch((error: unknown) => failure.abort(error))
        .finally(() => shard.close())
        .finally(() => filling.delete(filled));
      filling.add(filled);
      signal.throwIfAborted();
    }
    await Promise.all(filling);
    signal.throwIfAborted();
  } catch (error) {
    failure.abort(error);
    throw signal.reason ?? error;
  } finally {
    await Promise.all(filling);
    window.close();
  }
}

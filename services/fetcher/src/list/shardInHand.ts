import { rm } from "node:fs/promises";
import { DiskFullError, isDiskFull, type Reason } from "@pairloom/config";
import type { Store } from "@pairloom/storage";
import type { ListSettings } from "./listSettings.js";
import type { ListTally } from "./listTally.js";
import type { ShardOfList } from "./read/readList.js";
import type { RowOutcome } from "./rowOutcome.js";
import { sampleColumns, sampleKey, type SampleRecord, sampleRecord } from "./write/sampleTable.js";
import { publishShard, shardFileName } from "./write/shardPlace.js";
import { shardStats } from "./write/shardStats.js";
import { openShardWriter, type ShardWriter } from "./write/shardWriter.js";

interface ShardContext {
  settings: ListSettings;
  store: Store;
  tally: ListTally;
}

/** A shard that is being filled, in a folder of its own until it is published. */
export class ShardInHand {
  private readonly startMs = Date.now();
  private readonly records: SampleRecord[];
  private readonly reasons: (Reason | null)[];

  private constructor(
    private readonly context: ShardContext,
    private readonly part: ShardOfList,
    private readonly scratch: string,
    private readonly writer: ShardWriter,
  ) {
    this.records = new Array<SampleRecord>(part.rows.length);
    this.reasons = new Array<Reason | null>(part.rows.length);
  }

  static async open(context: ShardContext, part: ShardOfList): Promise<ShardInHand> {
    const { settings, store } = context;
    const scratch = await store.scratch();
    const columns = sampleColumns(settings, part.types);
    const name = shardFileName(part.shard, settings);
    return new ShardInHand(context, part, scratch, await openShardWriter(scratch, name, settings, columns));
  }

  /** Takes what became of row `at`. @throws DiskFullError */
  async take(at: number, outcome: RowOutcome): Promise<void> {
    const { settings, tally } = this.context;
    const { shard, rows } = this.part;
    const record = sampleRecord(settings, sampleKey(shard, at, settings), rows[at]!, outcome);
    this.records[at] = record;
    this.reasons[at] = outcome.reason;
    await this.saved(() => this.writer.add(record, outcome.picture));
    tally.count(outcome);
  }

  /** Makes the shard visible. Every row must have been taken. @throws DiskFullError */
  async publish(): Promise<void> {
    const { settings, store, tally } = this.context;
    const { shard } = this.part;
    await this.saved(() => this.writer.finish(this.records));
    const stats = shardStats(this.reasons, this.startMs, Date.now());
    await this.saved(() => publishShard(store, this.scratch, shard, settings, stats));
    tally.shards++;
  }

  /** Removes what was not published. */
  async close(): Promise<void> {
    await this.writer.abandon();
    await rm(this.scratch, { recursive: true, force: true });
  }

  private async saved(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw isDiskFull(error)
        ? new DiskFullError(`shard ${this.part.shard} in ${this.context.store.url}`, error)
        : error;
    }
  }
}

import type { RejectedRow, ReleaseSample, ReleaseSettings } from "@pairloom/config";
import { decideRelease, type ReleaseCounts, type ReleaseOptions } from "../src/decideRelease.js";
import type { Association } from "../src/release/answers.js";
import type { SegmentedRow } from "../src/release/picture.js";

export interface Decided {
  samples: ReleaseSample[];
  rejected: RejectedRow[];
  counts: ReleaseCounts;
}

/** A decision as lists. */
export async function decided(
  rows: readonly SegmentedRow[],
  associations: readonly Association[],
  settings: ReleaseSettings,
  options: ReleaseOptions = {},
): Promise<Decided> {
  const { samples, rejected, counts } = await decideRelease(rows, associations, settings, options);
  const lists = { samples: await listOf(samples), rejected: await listOf(rejected), counts };
  if (samples.count !== lists.samples.length || rejected.count !== lists.rejected.length)
    throw new Error("The decision counts other rows than it holds");
  return lists;
}

export async function listOf<T>(records: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const record of records) list.push(record);
  return list;
}

import { Buffer } from "node:buffer";
import type { Store } from "@pairloom/storage";
import { z } from "zod";
import { type Report, whyUnreadable } from "./problem.js";

const schema = z.looseObject({
  count: z.int(),
  successes: z.int(),
  failed_to_download: z.int().default(0),
  failed_to_resize: z.int().default(0),
});

/** What a shard's statistics should count. */
export interface Counted {
  /** Samples of the tar. */
  successes: number;
  /** Rows of the table, failures included; null where nothing tells them. */
  count: number | null;
}

/** What is wrong with NNNNN_stats.json, ours or img2dataset's; empty where it fits. Its times are nobody's to check. */
export function statsProblems(stats: Uint8Array, { successes, count }: Counted): string[] {
  let read: z.infer<typeof schema>;
  try {
    read = schema.parse(JSON.parse(Buffer.from(stats).toString("utf8")));
  } catch (error) {
    return [whyUnreadable(error)];
  }
  const problems: string[] = [];
  const counted = read.successes + read.failed_to_download + read.failed_to_resize;
  if (read.successes !== successes) problems.push(`it counts ${read.successes} of ${successes} samples`);
  if (count !== null && read.count !== count) problems.push(`it counts ${read.count} of ${count} rows`);
  if (counted > read.count)
    problems.push(`its ${counted} successes and failures are more than its ${read.count} rows`);
  return problems;
}

/** Reports what is wrong with a shard's statistics. @throws BlobNotFoundError */
export async function verifyStats(
  store: Store,
  file: string,
  counted: Counted,
  report: Report,
): Promise<void> {
  for (const says of statsProblems(await store.get(file), counted)) report("count", file, says);
}

import { z } from "zod";
import type { QueueName } from "./queueNames.js";

const blobName = z.string().min(1).max(1024);
const name = z.string().min(1).max(200);
const row = z.int().min(0);

/** Rows `from` (inclusive) to `to` (exclusive) of a file. */
const hasRows = (range: { from: number; to: number }) => range.from < range.to;
const emptyRange = { error: "expected `from` to be less than `to`" };

/**
 * What a job of each queue says. A job is a chunk and holds names of files in the store, never bulk data.
 * - expander: queries `from`–`to` of a query file
 * - crawler: a file of pages to read
 * - fetcher: rows `from`–`to` of a candidates file
 * - deduper: a published segment
 * - sharder: a release's plan, one of its shards (by number), or its last step
 * - trainer: a run, and the number of the wish (to train) that it follows; the run's folder says what and how
 */
export const jobSchemas = {
  expander: z.strictObject({ queries: blobName, from: row, to: row }).refine(hasRows, emptyRange),
  crawler: z.strictObject({ frontier: blobName }),
  fetcher: z.strictObject({ candidates: blobName, from: row, to: row }).refine(hasRows, emptyRange),
  deduper: z.strictObject({ segment: name }),
  sharder: z.strictObject({ release: name, part: z.union([z.enum(["plan", "finish"]), row]) }),
  trainer: z.strictObject({ run: name, wish: z.int().min(0) }),
} satisfies Record<QueueName, z.ZodType>;

export type JobData<Q extends QueueName = QueueName> = z.infer<(typeof jobSchemas)[Q]>;

/** The queues, in the order in which a pair travels. */
export const queueNames = ["expander", "crawler", "fetcher", "deduper", "sharder", "trainer"] as const;
export type QueueName = (typeof queueNames)[number];

export { barListFile, publishBarList, readBarLists } from "./barLists.js";
export * from "./releaseRequest.js";
export { shardJob, type ShardContext } from "./shardJob.js";

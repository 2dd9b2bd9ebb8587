export * from "./redis/openRedis.js";
export * from "./road/jobSchemas.js";
export type { JobPlace } from "./road/jobPlace.js";
export type { QueueCounts } from "./road/queueCounts.js";
export * from "./road/queueNames.js";
export * from "./road/road.js";
export * from "./road/roadTuning.js";
export * from "./road/runWorker.js";

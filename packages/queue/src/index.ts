export * from "./redis/openRedis.js";
export * from "./road/jobSchemas.js";
export * from "./road/queueNames.js";
export * from "./road/road.js";
export * from "./road/roadTuning.js";
export * from "./road/runWorker.js";

export * from "./records/candidate.js";
export * from "./records/reason.js";
export * from "./records/segmentRow.js";
export * from "./records/roadRecords.js";
export * from "./records/funnel.js";
export * from "./records/releaseSample.js";
export * from "./errors.js";
export * from "./project.js";

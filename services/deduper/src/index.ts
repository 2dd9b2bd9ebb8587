export { dedupeJob, rebuildDeduper, type DedupeContext } from "./dedupeJob.js";

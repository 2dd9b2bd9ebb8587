export { countVerdicts, dedupeJob, rebuildDeduper, type DedupeContext } from "./dedupeJob.js";

export { claimedUrls } from "./claimedUrls.js";
export { countSegment, dedupeJobOf, fetchJob, type FetchContext } from "./fetchJob.js";

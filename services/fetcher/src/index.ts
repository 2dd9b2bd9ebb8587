export { fetchJob, type FetchContext } from "./fetchJob.js";
export * from "./list/index.js";

export { fetchJob, type FetchContext } from "./fetchJob.js";

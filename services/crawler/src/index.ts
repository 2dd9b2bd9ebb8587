export { crawlJob, type CrawlContext } from "./crawlJob.js";

export { crawlFile, crawlJob, handOnCrawl, readCrawl, type CrawlContext } from "./crawlJob.js";

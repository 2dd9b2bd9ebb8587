export { expandJob, type ExpandContext } from "./expandJob.js";

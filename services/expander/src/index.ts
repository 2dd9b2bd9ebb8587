export {
  expandJob,
  expansionFile,
  handOnExpansion,
  queryLine,
  readExpansion,
  type ExpandContext,
} from "./expandJob.js";

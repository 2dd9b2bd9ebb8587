/** The door for command lines: the names that options take, without what reads tables. */
export { parseDelimiter } from "./delimited/delimiter.js";
export { tableFormats } from "./tableFormat.js";
export { badRowChoices } from "./tableRow.js";

export * from "./byteOrder.js";
export * from "./decideRelease.js";
export * from "./hammingIndex.js";
export * from "./onlineDeduper.js";
export { type BarList } from "./release/barred.js";
export { tidyText, usableText } from "./release/usableText.js";
export { type SegmentedRow } from "./release/picture.js";
export { type Association, type TextQueries } from "./release/queryFinder.js";

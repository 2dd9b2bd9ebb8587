export * from "./queryBalance.js";
export * from "./parseQueryList.js";
export * from "./queryMatcher.js";
export * from "./readQueryList.js";
export { parseDelimited } from "./parseDelimited.js";

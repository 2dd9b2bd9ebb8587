export * from "./queryBalance.js";
export * from "./parseQueryList.js";
export * from "./queryMatcher.js";
export * from "./readQueryList.js";

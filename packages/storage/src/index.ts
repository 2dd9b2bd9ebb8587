export * from "./store.js";
export * from "./jsonLines.js";

export * from "./featureTable.js";
export * from "./encodeFeatures.js";
export * from "./zeroShot.js";
export * from "./retrieval.js";
export * from "./labelRules.js";
export * from "./preprocessPicture.js";
export * from "./embedRelease.js";
export * from "./searchIndex.js";

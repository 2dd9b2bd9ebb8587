export * from "./engine.js";
export * from "./loadEngine.js";
export * from "./listEngines.js";
export * from "./ops/trainingOps.js";
export * from "./ops/portableOps.js";
export * from "./tensorflow/installEngine.js";

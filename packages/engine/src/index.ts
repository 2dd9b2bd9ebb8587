export * from "./engine.js";
export * from "./loadEngine.js";
export * from "./listEngines.js";

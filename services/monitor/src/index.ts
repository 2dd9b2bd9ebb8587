export * from "./actions.js";
export { startMonitor, type Monitor, type MonitorOptions } from "./startMonitor.js";

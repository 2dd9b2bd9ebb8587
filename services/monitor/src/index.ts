export * from "./actions.js";
export { createMonitorApp } from "./monitorApp.js";
export { startMonitor, type Monitor, type MonitorOptions } from "./startMonitor.js";

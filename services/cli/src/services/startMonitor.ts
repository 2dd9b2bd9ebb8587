import { startMonitor as serveMonitor, type Monitor } from "@pairloom/service-monitor";
import { monitorActions } from "../project/monitorActions.js";
import type { Project } from "../project/openProject.js";

/** Serves the API and the dashboard of a project; beyond loopback PAIRLOOM_TOKEN is needed. */
export function startMonitor(
  project: Project,
  { host, port }: { host: string; port: number },
): Promise<Monitor> {
  const token = process.env["PAIRLOOM_TOKEN"];
  return serveMonitor(monitorActions(project), project.road, {
    host,
    port,
    token: token === undefined || token === "" ? null : token,
  });
}

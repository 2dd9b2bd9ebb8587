import type { Monitor } from "@pairloom/service-monitor";
import type { Project } from "../project/openProject.js";

/** Serves the API and the dashboard of a project; beyond loopback PAIRLOOM_TOKEN is needed. Imported when it is wanted. */
export async function startMonitor(
  project: Project,
  { host, port }: { host: string; port: number },
): Promise<Monitor> {
  const { startMonitor: serveMonitor } = await import("@pairloom/service-monitor");
  const { monitorActions } = await import("../project/monitorActions.js");
  const token = process.env["PAIRLOOM_TOKEN"];
  return serveMonitor(monitorActions(project), project.road, {
    host,
    port,
    token: token === undefined || token === "" ? null : token,
  });
}

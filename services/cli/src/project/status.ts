import { funnelOf } from "@pairloom/config";
import type { Project } from "./openProject.js";

/** The shape of `pairloom status --json` and of the API's /api/status. */
export async function readStatus({ road, redis, dir }: Project) {
  const [funnel, queues, idle, failed] = await Promise.all([
    road.readFunnel(),
    road.counts(),
    road.isIdle(),
    road.failedJobs(),
  ]);
  return { dir, idle, funnel: funnelOf(funnel), queues, failedJobs: failed.length, warnings: redis.warnings };
}

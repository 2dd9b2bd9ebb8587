import { Gauge, Registry } from "prom-client";
import type { RoadStatus } from "./actions.js";

/** The funnel and the queues in Prometheus' text format. */
export async function renderMetrics(status: RoadStatus): Promise<{ contentType: string; text: string }> {
  const registry = new Registry();
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `pairloom_${name}`, help, labelNames, registers: [registry] });

  const jobs = gauge("queue_jobs", "Jobs of a queue by state", ["queue", "state"]);
  for (const [queue, { waiting, active, delayed, failed }] of Object.entries(status.queues))
    for (const [state, count] of Object.entries({ waiting, active, delayed, failed }))
      jobs.set({ queue, state }, count);

  const { funnel } = status;
  const candidates = gauge("candidates_total", "Candidates by fate", ["fate"]);
  const fates = { seen: funnel.seen, fetched: funnel.fetched, kept: funnel.kept };
  for (const [fate, count] of Object.entries(fates)) candidates.set({ fate }, count);
  const refused = gauge("candidates_refused_total", "Candidates refused by reason", ["reason"]);
  for (const [reason, count] of Object.entries(funnel.refused)) refused.set({ reason }, count);
  const doubles = gauge("candidates_duplicate_total", "Candidates that double another, by layer", ["layer"]);
  for (const [layer, count] of Object.entries(funnel.duplicates)) doubles.set({ layer }, count);
  gauge("queries_total", "Queries expanded").set(funnel.queries);
  gauge("pages_read_total", "Pages read").set(funnel.pages.read);
  gauge("fetched_bytes_total", "Bytes of pictures fetched").set(funnel.bytes);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

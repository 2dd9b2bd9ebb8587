import { setTimeout as sleep } from "node:timers/promises";
import type { SSEStreamingApi } from "hono/streaming";
import type { MonitorActions } from "./actions.js";

const lookEveryMs = 500;
/** Comment lines that keep proxies from cutting a quiet stream. */
const quietMs = 15_000;
/** More than come in half a second. */
const manyLines = 1000;
const restful = new Set(["finished", "cancelled", "failed", "paused", "stopped"]);

/**
 * Sends a run as events until the reader goes away:
 * - `metrics`: new lines of its metrics, `{lines}`. The event's id is the byte offset after them, so that a reader that comes
 *   back with `Last-Event-ID` gets what it has missed and nothing twice. A line with a step that was sent before (the run went
 *   on from an earlier checkpoint) takes the place of the old one and of all after it.
 *   Of a long past each event has at most `most` lines of steps, evenly chosen, and all evaluations.
 * - `state`: the run's summary, when it changes.
 * - `problem`: why it can't be looked at just now.
 */
export async function followRun(
  actions: Pick<MonitorActions, "readMetrics" | "showRun">,
  run: string,
  from: number,
  most: number,
  stream: SSEStreamingApi,
): Promise<void> {
  let offset = from;
  let shown = "";
  let saidAt = Date.now();
  const send = async (event: { event: string; data: string; id?: string }) => {
    saidAt = Date.now();
    await stream.writeSSE(event);
  };
  while (!stream.aborted && !stream.closed) {
    let isResting = false;
    try {
      const more = await actions.readMetrics(run, offset);
      if (more.lines.length > 0)
        await send({
          event: "metrics",
          data: JSON.stringify({ lines: thinned(more.lines, most) }),
          id: String(more.offset),
        });
      const isBehind = more.lines.length > manyLines;
      ({ offset } = more);
      if (isBehind) continue; // a page of a long past: the next one at once
      const summary = JSON.stringify(await actions.showRun(run));
      if (summary !== shown) await send({ event: "state", data: (shown = summary) });
      isResting = restful.has((JSON.parse(summary) as { state: string }).state);
    } catch (error) {
      await send({ event: "problem", data: JSON.stringify({ message: (error as Error).message }) });
    }
    if (Date.now() - saidAt > quietMs) {
      saidAt = Date.now();
      await stream.write(": quiet\n\n");
    }
    await sleep(isResting ? 4 * lookEveryMs : lookEveryMs);
  }
}

/** At most `most` lines of steps, the last among them, and all others. */
export function thinned(
  lines: readonly Record<string, unknown>[],
  most: number,
): readonly Record<string, unknown>[] {
  const each = Math.ceil(lines.length / most);
  if (each <= 1) return lines;
  const last = lines.length - 1;
  return lines.filter((line, at) => "evaluation" in line || (last - at) % each === 0);
}

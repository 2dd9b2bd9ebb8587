import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "@pairloom/config";
import { queueNames, type Road } from "@pairloom/queue";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import type { MonitorActions } from "./actions.js";
import { guardForgotten } from "./guardForgotten.js";
import { renderMetrics } from "./metrics.js";
import { answerError } from "./answerError.js";
import { defined, mostSeedBytes, readJson } from "./readJson.js";
import { createRunsApi } from "./runsApi.js";

const seedBody = z.union([
  z.strictObject({ queries: z.string().min(1), search: z.string().optional() }),
  z.strictObject({ site: z.url(), maxPages: z.int().min(1).optional() }),
]);
const releaseBody = z.strictObject({ name: z.string().min(1).optional() });
const queueName = z.enum(queueNames);

/** The HTTP API: JSON in and out; errors are `{error: {code, message, hint}}`. */
export function createApi(actions: MonitorActions, road: Road): Hono {
  const api = new Hono();
  api.use("*", guardForgotten(road));

  api.get("/status", async (c) => c.json(await actions.status()));
  api.get("/events", (c) =>
    streamSSE(c, async (stream) => {
      while (!stream.aborted) {
        try {
          await stream.writeSSE({ event: "status", data: JSON.stringify(await actions.status()) });
        } catch (error) {
          const { message } = error as Error;
          const { code, hint } = error instanceof UserError ? error : { code: "unexpected", hint: null };
          await stream.writeSSE({ event: "problem", data: JSON.stringify({ code, message, hint }) });
        }
        await sleep(1000);
      }
    }),
  );
  api.post("/seed", async (c) => {
    const wish = seedBody.parse(await readJson(c.req.raw, mostSeedBytes));
    return c.json(
      "site" in wish ? await actions.seedSite(defined(wish)) : await actions.seedQueries(defined(wish)),
      202,
    );
  });
  api.get("/releases", async (c) => c.json({ releases: await actions.listReleases() }));
  api.post("/releases", async (c) =>
    c.json(await actions.askRelease(defined(releaseBody.parse(await readJson(c.req.raw)))), 202),
  );
  api.route("/runs", createRunsApi(actions));
  api.post("/queues/:queue/pause", async (c) => {
    await road.pause([queueName.parse(c.req.param("queue"))]);
    return c.json(await actions.status());
  });
  api.post("/queues/:queue/resume", async (c) => {
    await road.resume([queueName.parse(c.req.param("queue"))]);
    return c.json(await actions.status());
  });
  api.post("/jobs/retry-failed", async (c) => c.json({ retried: await road.retryFailed() }));
  api.get("/metrics", async (c) => {
    const { contentType, text } = await renderMetrics(await actions.status());
    return c.body(text, 200, { "content-type": contentType });
  });
  api.onError(answerError);
  return api;
}

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "@pairloom/config";
import { queueNames, type Road } from "@pairloom/queue";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import type { MonitorActions } from "./actions.js";
import { renderMetrics } from "./metrics.js";

const seedBody = z.union([
  z.strictObject({ queries: z.string().min(1), search: z.string().optional() }),
  z.strictObject({ site: z.url(), maxPages: z.int().min(1).optional() }),
]);
const releaseBody = z.strictObject({ name: z.string().min(1).optional() });
const trainBody = z.strictObject({
  release: z.string().min(1),
  model: z.string().min(1).default("tiny"),
  run: z.string().min(1).optional(),
  steps: z.int().min(1).optional(),
  batchSize: z.int().min(2).optional(),
  seed: z.int().min(0).optional(),
  engine: z.enum(["auto", "wasm", "tensorflow", "webgpu"]).optional(),
});
const queueName = z.enum(queueNames);

/** The HTTP API: JSON in and out; errors are `{error: {code, message, hint}}`. */
export function createApi(actions: MonitorActions, road: Road): Hono {
  const api = new Hono();

  api.get("/status", async (c) => c.json(await actions.status()));
  api.get("/events", (c) =>
    streamSSE(c, async (stream) => {
      while (!stream.aborted) {
        try {
          await stream.writeSSE({ event: "status", data: JSON.stringify(await actions.status()) });
        } catch (error) {
          await stream.writeSSE({
            event: "problem",
            data: JSON.stringify({ message: (error as Error).message }),
          });
        }
        await sleep(1000);
      }
    }),
  );
  api.post("/seed", async (c) => {
    const wish = seedBody.parse(await readJson(c.req.raw));
    return c.json(
      "site" in wish ? await actions.seedSite(defined(wish)) : await actions.seedQueries(defined(wish)),
      202,
    );
  });
  api.get("/releases", async (c) => c.json({ releases: await actions.listReleases() }));
  api.post("/releases", async (c) =>
    c.json(await actions.askRelease(defined(releaseBody.parse(await readJson(c.req.raw)))), 202),
  );
  api.get("/runs", async (c) => c.json({ runs: await actions.listRuns() }));
  api.post("/runs", async (c) =>
    c.json(await actions.launchTraining(defined(trainBody.parse(await readJson(c.req.raw)))), 202),
  );
  api.get("/runs/:run/metrics", async (c) => {
    const offset = z.coerce
      .number()
      .int()
      .min(0)
      .parse(c.req.query("offset") ?? "0");
    return c.json(await actions.readMetrics(c.req.param("run"), offset));
  });
  api.get("/runs/:run/checkpoints", async (c) =>
    c.json({ checkpoints: await actions.listCheckpoints(c.req.param("run")) }),
  );
  api.get("/runs/:run/checkpoints/:file", async (c) => {
    const { run, file } = c.req.param();
    const path = await actions.checkpointPath(run, file);
    if (path === null)
      return c.json({ error: { code: "checkpoint_missing", message: `no ${file} in ${run}` } }, 404);
    c.header("content-type", "application/octet-stream");
    c.header("content-length", String((await stat(path)).size));
    c.header("content-disposition", `attachment; filename="${file}"`);
    return c.body(Readable.toWeb(createReadStream(path)) as ReadableStream);
  });
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
  api.notFound((c) => c.json({ error: { code: "not_found", message: `no ${c.req.path} here` } }, 404));
  api.onError((error, c) => {
    if (error instanceof UserError)
      return c.json({ error: { code: error.code, message: error.message, hint: error.hint } }, 400);
    if (error instanceof z.ZodError)
      return c.json({ error: { code: "body_invalid", message: z.prettifyError(error), hint: null } }, 400);
    return c.json({ error: { code: "unexpected", message: error.message, hint: null } }, 500);
  });
  return api;
}

async function readJson(request: Request): Promise<unknown> {
  if (!(request.headers.get("content-type") ?? "").startsWith("application/json"))
    throw new UserError("body_not_json", "Expected a JSON body with content-type application/json");
  try {
    return await request.json();
  } catch (cause) {
    throw new UserError("body_not_json", "The body is not JSON", { cause });
  }
}

/** Leaves out keys whose value is undefined, as exact optional properties want. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

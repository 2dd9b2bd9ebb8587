import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { Hono, type Context } from "hono";
import { streamSSE } from "hono/streaming";
import { z } from "zod";
import { trainingCommands, trainingPriorities, type MonitorActions } from "./actions.js";
import { notFound } from "./answerError.js";
import { defined, readJson } from "./readJson.js";
import { followRun } from "./followRun.js";

const changes = {
  run: z.string().min(1).optional(),
  /** Any settings of `pairloom train`, by name. */
  settings: z.record(z.string(), z.unknown()).default({}),
  device: z.string().min(1).optional(),
  priority: z.enum(trainingPriorities).optional(),
};
const cloneBody = z.strictObject(changes);
/** The commonest settings may stand beside `settings`. */
const launchBody = z.strictObject({
  release: z.string().min(1).optional(),
  ...changes,
  model: z.string().min(1).default("tiny"),
  steps: z.int().min(1).optional(),
  batchSize: z.int().min(2).optional(),
  seed: z.int().min(0).optional(),
  allowHeldOut: z.boolean().optional(),
  engine: z.enum(["auto", "wasm", "tensorflow", "webgpu"]).optional(),
});
const offset = z.coerce.number().int();
const command = z.enum(trainingCommands);

/** `/api/runs`: training jobs, as `pairloom jobs` has them. */
export function createRunsApi(actions: MonitorActions): Hono {
  const api = new Hono();
  api.get("/", async (c) => c.json({ runs: await actions.listRuns() }));
  api.post("/", async (c) => {
    const { release, run, device, priority, settings, ...common } = launchBody.parse(
      await readJson(c.req.raw),
    );
    const wish = { release, run, device, priority, settings: { ...defined(common), ...settings } };
    return c.json(await actions.launchTraining(defined(wish)), 202);
  });
  api.get("/:run", async (c) => c.json(await actions.showRun(c.req.param("run"))));
  api.post("/:run/clone", async (c) =>
    c.json(
      await actions.cloneTraining(c.req.param("run"), defined(cloneBody.parse(await readJson(c.req.raw)))),
      202,
    ),
  );
  for (const wish of command.options)
    api.post(`/:run/${wish}`, async (c) => c.json(await actions.wishTraining(c.req.param("run"), wish), 202));
  api.get("/:run/metrics", async (c) =>
    c.json(await actions.readMetrics(c.req.param("run"), offset.min(0).parse(c.req.query("offset") ?? "0"))),
  );
  api.get("/:run/events", async (c) => {
    await actions.showRun(c.req.param("run")); // a run that isn't there is an answer, not a stream
    const from = offset.min(0).parse(c.req.header("last-event-id") ?? c.req.query("offset") ?? "0");
    const most = z.coerce
      .number()
      .int()
      .min(1)
      .parse(c.req.query("most") ?? String(Number.MAX_SAFE_INTEGER));
    return streamSSE(c, (stream) => followRun(actions, c.req.param("run"), from, most, stream));
  });
  api.get("/:run/log", async (c) =>
    c.json(await actions.readLog(c.req.param("run"), offset.parse(c.req.query("offset") ?? "0"))),
  );
  api.get("/:run/samples", async (c) => c.json({ samples: await actions.listSamples(c.req.param("run")) }));
  api.get("/:run/samples/pictures/:file", async (c) => {
    const path = await actions.samplePath(c.req.param("run"), c.req.param("file"));
    return path === null ? notFound(c, "file_missing") : sendFile(c, path, "image/jpeg");
  });
  api.get("/:run/checkpoints", async (c) =>
    c.json({ checkpoints: await actions.listCheckpoints(c.req.param("run")) }),
  );
  api.get("/:run/checkpoints/:file", async (c) => {
    const { run, file } = c.req.param();
    const path = await actions.checkpointPath(run, file);
    if (path === null) return notFound(c, "checkpoint_missing");
    c.header(
      "content-disposition",
      `attachment; filename="${file === "latest" ? `${run}.safetensors` : file}"`,
    );
    return sendFile(c, path, "application/octet-stream");
  });
  return api;
}

async function sendFile(c: Context, path: string, type: string): Promise<Response> {
  c.header("content-type", type);
  c.header("content-length", String((await stat(path)).size));
  return c.body(Readable.toWeb(createReadStream(path)) as ReadableStream);
}

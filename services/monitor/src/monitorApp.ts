import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import { serveStatic } from "@hono/node-server/serve-static";
import type { Road } from "@pairloom/queue";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { guardAccess } from "./access.js";
import type { MonitorActions } from "./actions.js";
import { answerError, answerNotFound } from "./answerError.js";
import { createApi } from "./api.js";
import { guardForgotten } from "./guardForgotten.js";
import { mostBodyBytes } from "./readJson.js";
import { servePages } from "./servePages.js";

/** Everything that the monitor answers: the API, the dashboard and bull-board, behind the token where there is one. */
export function createMonitorApp(actions: MonitorActions, road: Road, token: string | null): Hono {
  const app = new Hono();
  app.use("*", guardAccess(token));
  app.route("/api", createApi(actions, road));
  app.use("/queues/*", guardForgotten(road));
  app.use("/queues/*", bodyLimit({ maxSize: mostBodyBytes }));
  app.route("/queues", bullBoard(road));
  app.route("/", servePages());
  app.notFound(answerNotFound(app));
  app.onError(answerError);
  return app;
}

function bullBoard(road: Road): Hono {
  const adapter = new HonoAdapter(serveStatic);
  adapter.setBasePath("/queues");
  createBullBoard({
    queues: Object.values(road.queues).map((queue) => new BullMQAdapter(queue)),
    serverAdapter: adapter,
  });
  return adapter.registerPlugin();
}

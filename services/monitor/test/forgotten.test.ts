import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { funnelOf } from "@pairloom/config";
import { openRedis, openRoad, type EpochRecord, type RedisHandle, type Road } from "@pairloom/queue";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { MonitorActions } from "../src/actions.js";
import { startMonitor, type Monitor } from "../src/startMonitor.js";

let folder: string;
let redis: RedisHandle;
let road: Road;
let monitor: Monitor;
const epochs: string[] = [];
const record: EpochRecord = {
  remedy: "pairloom up --dir data --mend",
  newest: async () => epochs.at(-1) ?? null,
  publish: async (epoch) => (epochs.push(epoch), epoch),
  holdsWork: async () => false,
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pairloom-monitor-"));
  redis = await openRedis({ dir: folder });
  road = await openRoad(redis, "forgotten", { epochs: record });
  const actions: Partial<MonitorActions> = {
    status: async () => ({
      dir: folder,
      idle: await road.isIdle(),
      funnel: funnelOf({}),
      queues: await road.counts(),
      failedJobs: 0,
      warnings: ["Redis keeps nothing on disk"],
    }),
    listRuns: async () => [],
  };
  monitor = await startMonitor(actions as MonitorActions, road, { host: "127.0.0.1", port: 0, token: null });
}, 120_000);
afterAll(async () => {
  await monitor?.close();
  await road?.close();
  await redis?.close();
  await rm(folder, { recursive: true, force: true });
});

const ask = (path: string, method = "GET") => fetch(new URL(path, monitor.url), { method });

/** The first event of the stream that the dashboard listens to. */
async function firstEvent(): Promise<string> {
  const answer = await ask("/api/events");
  const reader = answer.body!.getReader();
  const { value } = (await reader.read()) as { value: Uint8Array | undefined };
  await reader.cancel();
  return Buffer.from(value ?? []).toString();
}

it("what endangers the queues is told with the status", async () => {
  expect(await (await ask("/api/status")).json()).toMatchObject({
    warnings: ["Redis keeps nothing on disk"],
  });
});

it("where Redis lost its data nothing is answered but that, until the project is mended", async () => {
  expect((await ask("/api/runs")).status).toBe(200);
  const connection = redis.connect();
  await connection.unlink(`${road.prefix}:epoch`);
  for (const [path, method] of [
    ["/api/status", "GET"],
    ["/api/runs", "GET"],
    ["/api/metrics", "GET"],
    ["/api/jobs/retry-failed", "POST"],
    ["/api/queues/fetcher/pause", "POST"],
    ["/queues/api/queues", "GET"],
  ] as const) {
    const answer = await ask(path, method);
    expect(answer.status, path).toBe(503);
    const { error } = (await answer.json()) as { error: { code: string; hint: string } };
    expect(error.code).toBe("redis_forgot");
    expect(error.hint).toContain("pairloom up --dir data --mend");
  }
  expect(await firstEvent()).toMatch(/^event: problem\ndata: .*redis_forgot.*--mend/);
  await road.beginMending();
  await road.endMending();
  expect((await ask("/api/status")).status).toBe(200);
  expect(await firstEvent()).toMatch(/^event: status/);
});

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { vi } from "vitest";
import { openRedis, openRoad, type OpenRedisOptions, type RedisHandle, type Road } from "../src/index.js";

// Where no Redis is installed the first test to come waits until one is fetched.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** A folder with a Redis of its own, for one test file. */
export interface TestRedis {
  dir: string;
  redis: RedisHandle;
  /** A road under a project name of its own, with little patience. */
  road(project: string): Promise<Road>;
  end(): Promise<void>;
}

export async function startTestRedis(options: Partial<OpenRedisOptions> = {}): Promise<TestRedis> {
  const dir = await mkdtemp(join(tmpdir(), "queue-test-"));
  const redis = await openRedis({ dir, ...options });
  const roads: Road[] = [];
  return {
    dir,
    redis,
    async road(project) {
      const road = await openRoad(redis, project, { tuning: { ...impatient } });
      roads.push(road);
      return road;
    },
    async end() {
      await Promise.all(roads.map((road) => road.close()));
      await redis.close();
      await rm(dir, { recursive: true });
    },
  };
}

export const impatient = { lockDurationMs: 600, stalledIntervalMs: 200, backoffMs: 10, attempts: 3 };

export async function serverPid(dir: string): Promise<number> {
  return Number(await readFile(join(dir, "redis", "server.pid"), "utf8"));
}

const killed = new Set<number>();

/** Kills a project's server. One that was just started again answers a moment before its number is written down. */
export async function killServer(dir: string): Promise<void> {
  let pid = 0;
  await until(async () => {
    pid = await serverPid(dir).catch(() => 0);
    return pid > 0 && !killed.has(pid) && isProcessAlive(pid);
  });
  killed.add(pid);
  process.kill(pid, "SIGKILL");
}

export async function until(isTrue: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error("What was waited for did not come true");
    await sleep(20);
  }
}

/** True also of a process that has ended and waits for its parent to collect it. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

// child.mjs use DIR | work DIR PROJECT: see startChild.ts
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { jobId, openRedis, openRoad, runWorker } from "@pairloom/queue";

const [role, dir, project] = process.argv.slice(2);
const redis = await openRedis({ dir });
const closers = [];
if (role === "work") {
  const road = await openRoad(redis, project, { lockDurationMs: 600, stalledIntervalMs: 200, backoffMs: 10 });
  const fetcher = runWorker(
    road,
    "fetcher",
    async ({ id, key, data }) => {
      await sleep(Math.random() * 20);
      await road.add("deduper", [{ id: jobId("segment", id), data: { segment: id } }]);
      await road.countOnce(key, { fetched: data.to - data.from });
      await sleep(Math.random() * 20);
    },
    { concurrency: 4 },
  );
  const deduper = runWorker(road, "deduper", async ({ key }) => {
    await sleep(Math.random() * 10);
    await road.countOnce(key, { deduped: 1 });
  });
  closers.push(
    () => fetcher.stop(),
    () => deduper.stop(),
    () => road.close(),
  );
}
console.log(JSON.stringify({ pid: process.pid, where: redis.where }));
process.stdin.resume();
await once(process.stdin, "end");
for (const close of closers) await close();
await redis.close();
process.exit(0);

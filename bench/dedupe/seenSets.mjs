// Bytes of Redis an item and checks a second of the seen sets.
//   node bench/queue/seenOnce.mjs [items=1000000] [chunk=500] [jobsAtOnce=4]
import { randomFillSync } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRedis, openRoad } from "@pairloom/queue";

const [items = 1_000_000, chunk = 500, jobsAtOnce = 4] = process.argv.slice(2).map(Number);
const dir = await mkdtemp(join(tmpdir(), "seen-"));
const redis = await openRedis({ dir });
const road = await openRoad(redis, "bench");
const connection = redis.connect();

const memory = async () => Number(/used_memory:(\d+)/.exec(await connection.info("memory"))[1]);
const serverCpu = async () => {
  const cpu = await connection.info("cpu");
  return Number(/used_cpu_user:([\d.]+)/.exec(cpu)[1]) + Number(/used_cpu_sys:([\d.]+)/.exec(cpu)[1]);
};
const bytes = Buffer.alloc(items * 8);
randomFillSync(bytes);
const chunks = [];
for (let at = 0; at < items; at += chunk) {
  const keys = [];
  for (let i = at; i < Math.min(at + chunk, items); i += 1) keys.push(bytes.subarray(i * 8, i * 8 + 8));
  chunks.push(keys);
}

async function pass(name) {
  let next = 0;
  let fresh = 0;
  const start = process.hrtime.bigint();
  const cpuBefore = await serverCpu();
  const ownBefore = process.cpuUsage();
  const one = async () => {
    while (next < chunks.length) {
      const at = next++;
      const answer = await road.seenOnce(`${name}-${at}`, "url", chunks[at]);
      for (const bit of answer) fresh += bit;
      await road.forgetAnswer(`${name}-${at}`, "url");
    }
  };
  await Promise.all(Array.from({ length: jobsAtOnce }, one));
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const own = process.cpuUsage(ownBefore);
  return {
    checksPerSecond: Math.round(items / seconds),
    perServerCpuSecond: Math.round(items / ((await serverCpu()) - cpuBefore)),
    perClientCpuSecond: Math.round((items * 1e6) / (own.user + own.system)),
    fresh,
  };
}

const before = await memory();
const adding = await pass("add");
const bytesPerItem = ((await memory()) - before) / items;
const again = await pass("again");
const state = await connection.hgetall(`${road.prefix}:seen:url`);
let slow = 0;
for (let at = 0; at < 64; at += 1) {
  const bucket = `${road.prefix}:seen:url:${Math.floor(Math.random() * 2 ** Number(state.level))}`;
  if ((await connection.object("ENCODING", bucket)) !== "intset") slow += 1;
}
console.log(
  JSON.stringify({
    items,
    chunk,
    jobsAtOnce,
    bytesPerItem,
    adding,
    again,
    state,
    bucketsNotIntset: `${slow} of 64`,
  }),
);
await road.close();
await redis.close();
await rm(dir, { recursive: true });

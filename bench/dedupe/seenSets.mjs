// Bytes of Redis an item and checks a second of the seen sets (those of URLs; any 8 bytes of a sha256 cost the same), beside
// Redis' own sets of 16-byte members, added by the same chunks, and a plain JavaScript Set in this process.
//   npm run build && node --expose-gc bench/dedupe/seenSets.mjs [items=1000000] [chunk=500] [jobsAtOnce=4]
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
  const ranges = 2 ** Number(state.level);
  const bucket = `${road.prefix}:seen:url:${Math.floor(Math.random() * ranges) * (2 ** 26 / ranges)}`;
  if ((await connection.object("ENCODING", bucket)) !== "intset") slow += 1;
}
/** Sets of 16-byte members, a thousand or so in each, as chunks of SADD. */
async function plainSets() {
  const cpuBefore = await serverCpu();
  const memoryBefore = await memory();
  for (const [at, keys] of chunks.entries()) {
    const pipeline = connection.pipeline();
    for (const [i, key] of keys.entries()) {
      const member = Buffer.alloc(16);
      key.copy(member);
      member.writeUInt32LE(at, 8);
      member.writeUInt32LE(i, 12);
      pipeline.sadd(`plain:${key.readUInt16LE(0) % Math.ceil(items / 1000)}`, member);
    }
    await pipeline.exec();
  }
  const bytesPerItem = ((await memory()) - memoryBefore) / items;
  return { bytesPerItem, perServerCpuSecond: Math.round(items / ((await serverCpu()) - cpuBefore)) };
}

function javascriptSet() {
  globalThis.gc?.();
  const { heapUsed } = process.memoryUsage();
  const cpuBefore = process.cpuUsage();
  const set = new Set();
  for (const keys of chunks) for (const key of keys) set.add(key.toString("latin1"));
  const cpu = process.cpuUsage(cpuBefore);
  globalThis.gc?.();
  const bytesPerItem = (process.memoryUsage().heapUsed - heapUsed) / set.size;
  return { bytesPerItem, perClientCpuSecond: Math.round((items * 1e6) / (cpu.user + cpu.system)) };
}

const plain = await plainSets();
const inProcess = javascriptSet();
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
    plain,
    inProcess,
  }),
);
await road.close();
await redis.close();
await rm(dir, { recursive: true });

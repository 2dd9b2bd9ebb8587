// What a million hosts cost: bytes a host in the process and in Redis while all of them are at work at once (the worst
// there is), and what is left when their moments have passed.
//   npm run build && node --expose-gc bench/web/millionHosts.mjs [hosts]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { webSettings } from "@pairloom/config";
import { openRedis } from "@pairloom/queue";
import { memoryHostClock, nameResolver, redisHostClock } from "@pairloom/web";
import { HostHealth } from "../../packages/web/dist/hostHealth.js";
import { SiteRules } from "../../packages/web/dist/siteRules.js";

const hosts = Number(process.argv[2] ?? 1_000_000);
const gapMs = 1000;
const nameOf = (i) => `www.host-${i}.example`;
const addressOf = (i) => `${20 + (i >> 24)}.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`;
const request = (i) => ({ host: nameOf(i), hostGapMs: gapMs, address: addressOf(i), addressGapMs: 100 });
const used = async () => {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await sleep(20);
  }
  return process.memoryUsage().heapUsed;
};
const rows = {};
const row = (full, asked, left) => ({
  "MB at most": Math.round(full / 1e6),
  "bytes a host": Math.round(full / asked),
  "MB left": left === null ? "none" : Math.round(left / 1e6),
});
/** `fill` gives what it has filled. */
const measure = async (name, fill, { asked = hosts, after = async () => undefined } = {}) => {
  const before = await used();
  const kept = await fill();
  const full = (await used()) - before;
  await after(kept);
  const left = (await used()) - before;
  rows[name] = row(full, asked, left);
};

let now = 0;
await measure(
  "host clocks in the process",
  async () => {
    const clock = memoryHostClock(() => now);
    for (let i = 0; i < hosts; i++) await clock.reserve(request(i));
    return clock;
  },
  {
    async after(clock) {
      now += 120_000;
      for (let i = 0; i < 5000; i++) await clock.reserve(request(i));
    },
  },
);
await measure("hosts that fail (100,000 are remembered)", async () => {
  const health = new HostHealth(50, 600_000, () => now);
  for (let i = 0; i < hosts; i++) health.failed(nameOf(i));
  return health;
});
await measure("names (100,000 are remembered)", async () => {
  const answer = async () => [{ address: "192.0.2.1", ttl: 3600 }];
  const dns = nameResolver({ queries: { resolve4: answer, resolve6: answer }, hostsFile: "/nonexistent" });
  for (let i = 0; i < hosts; i++) await dns.resolve(nameOf(i));
  return dns;
});
await measure("robots.txt, tdmrep.json, ai.txt: sites without any", async () => {
  const none = { status: "failed", reason: "http_404", errorMessage: "", httpStatus: 404, finalUrl: null };
  const rules = new SiteRules(webSettings.parse({}), async () => none);
  for (let i = 0; i < hosts; i++) await rules.verdict(new URL(`https://${nameOf(i)}/a.jpg`));
  return rules;
});
await measure(
  "robots.txt of 30 rules, a tenth of the hosts (64 MB are remembered)",
  async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `Disallow: /a/path/of/length/${i}\n`);
    const answer = { status: "ok", body: Buffer.from(`User-agent: *\n${lines.join("")}`), headers: {} };
    const rules = new SiteRules(webSettings.parse({ obeyOptOuts: false }), async () => answer);
    for (let i = 0; i < hosts / 10; i++) await rules.verdict(new URL(`https://${nameOf(i)}/a.jpg`));
    return rules;
  },
  { asked: hosts / 10 },
);

const folder = await mkdtemp(join(tmpdir(), "million-"));
const handle = await openRedis({ dir: folder });
const redis = handle.connect();
const redisBytes = async () => Number(/used_memory:(\d+)/.exec(await redis.info("memory"))[1]);
const before = await redisBytes();
const clock = redisHostClock(redis, "million");
const startedMs = performance.now();
// Gaps of ten minutes, so that none has passed when the last is taken.
for (let i = 0; i < hosts; i += 5000) {
  await Promise.all(
    Array.from({ length: 5000 }, (_, j) => clock.reserve({ ...request(i + j), hostGapMs: 600_000 })),
  );
}
const most = (await redisBytes()) - before;
const perSecond = Math.round(hosts / ((performance.now() - startedMs) / 1000));
rows["host clocks in Redis (keys expire)"] = row(most, hosts, null);
console.table(rows);
console.log(
  `${hosts} hosts; Redis took ${perSecond} slots a second; whole process ${Math.round(process.memoryUsage().rss / 1e6)} MB`,
);
await handle.close();
await rm(folder, { recursive: true });

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startDemoWeb, type DemoWeb } from "@pairloom/sources";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pairloom, startPairloom } from "../road/pairloom.js";
import { seededRandom } from "./crawlSettings.js";
import { isLong, killCount, killSeed } from "./killCount.js";
import { SmallDisk } from "./smallDisk.js";
import { funnelOf, releaseOf, seedCrawl } from "./undisturbedCrawl.js";
import { victimsOf, type Victim } from "./victims.js";

const kills = killCount(20, 200);
const scale = isLong ? 2 : 0.4;
const seed = killSeed(7);
/** Between two kills the disk is filled this often, and given back after two to four of them. */
const fillChance = 0.25;
/** Room for the crawl and its release. */
const diskMegabytes = isLong ? 384 : 128;

describe("kill -9 at random moments", () => {
  let web: DemoWeb;
  let folder: string;
  let disk: SmallDisk | null;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pairloom-kill-"));
    disk = SmallDisk.mount(join(folder, "stormy"), diskMegabytes);
    if (disk === null) console.warn("Without full disks: no right to mount a tmpfs here");
    web = await startDemoWeb({ seed: 3, scale });
  });
  afterAll(async () => {
    await web?.close();
    disk?.unmount();
    await rm(folder, { recursive: true, force: true });
  });

  it(`after ${kills} kills of services and Redis the release is the undisturbed one, byte for byte`, async () => {
    const calm = join(folder, "calm");
    await seedCrawl(calm, web);
    const undisturbed = await pairloom(["up", "--dir", calm, "--until-idle", "--no-dashboard", "--json"]);
    expect(undisturbed.code, undisturbed.stderr).toBe(0);

    const stormy = join(folder, "stormy");
    await seedCrawl(stormy, web);
    const { counts, fills, fullDisks } = await crawlUnderFire(stormy, kills);
    const killed = Object.values(counts).reduce((sum, n) => sum + n, 0);
    console.log(
      `killed ${killed}: ${JSON.stringify(counts)}; disk filled ${fills} times, met ${fullDisks} times`,
    );
    expect(killed).toBeGreaterThanOrEqual(kills);
    expect(Object.keys(counts)).toContain("redis");
    if (disk !== null) expect(fullDisks).toBeGreaterThan(0);

    const first = await releaseOf(calm);
    const second = await releaseOf(stormy);
    expect(second.counts).toEqual(first.counts);
    const differing = Object.keys(first.files).filter((name) => first.files[name] !== second.files[name]);
    expect(differing).toEqual([]);
    expect(Object.keys(second.files)).toEqual(Object.keys(first.files));
    expect(first.counts.kept + first.counts.rejected).toBe(first.counts.candidates);
    expect(first.counts.kept).toBeGreaterThan(100);

    // What writes that failed and processes that died had begun is gone.
    expect(await readdir(join(stormy, ".tmp"))).toEqual([]);
    const ofRedis = await readdir(join(stormy, "redis"), { recursive: true });
    expect(ofRedis.filter((name) => /temp-|\.lock-/.test(name))).toEqual([]);

    // The counters were counted once each, too.
    const [calmFunnel, stormyFunnel] = [await funnelOf(calm), await funnelOf(stormy)];
    expect(stormyFunnel["queries"]).toBe(calmFunnel["queries"]);
    expect(stormyFunnel["seen"]).toBe(calmFunnel["seen"]);
  });

  /**
   * Runs the crawl and kills one process after another, `up` itself included, until it is done and enough have died; now
   * and then it fills the disk for a while.
   */
  async function crawlUnderFire(dir: string, wanted: number) {
    const random = seededRandom(seed);
    const counts: Record<string, number> = {};
    let done = 0;
    let fills = 0;
    let fullDisks = 0;
    let roundsToFree = 0;
    for (;;) {
      const up = startPairloom(["up", "--dir", dir, "--until-idle", "--no-dashboard", "--verbose"]);
      let stderr = "";
      up.stderr?.on("data", (chunk) => {
        stderr += String(chunk);
        fullDisks += String(chunk).match(/No space left on the device/g)?.length ?? 0;
      });
      up.stdout?.resume();
      const ended = new Promise<number | null>((resolve) => up.on("close", resolve));
      let running = true;
      void ended.then(() => (running = false));
      while (running && done < wanted) {
        await sleep(250 + random() * 1250);
        if (disk?.isFull === true) {
          // the first time until somebody met it
          if (--roundsToFree <= 0 && fullDisks > 0) disk.free();
        } else if (disk?.isFull === false && random() < fillChance) {
          disk.fill(Math.floor(random() * 64) * 1024);
          roundsToFree = 2 + Math.floor(random() * 3);
          fills++;
        }
        // `up` takes all services with it, so it dies less often; just started, it has none yet.
        const everyone = await victimsOf(dir, up.pid);
        const services = everyone.filter(({ name }) => name !== "up");
        if (services.length < 3) continue;
        const victims = random() < 0.12 ? everyone.filter(({ name }) => name === "up") : services;
        let victim: Victim | undefined = victims[Math.floor(random() * victims.length)];
        // Redis dies at least once.
        if (counts["redis"] === undefined && done >= wanted / 2)
          victim = everyone.find(({ name }) => name === "redis");
        if (victim === undefined || !running) continue;
        try {
          process.kill(victim.pid, "SIGKILL");
        } catch {
          continue; // it had just ended
        }
        counts[victim.name] = (counts[victim.name] ?? 0) + 1;
        done++;
      }
      disk?.free();
      const code = await ended;
      if (code === 0 && done >= wanted) return { counts, fills, fullDisks };
      if (code === 0) throw new Error(`the road was empty after ${done} kills: make the web larger`);
      // It met a full disk when it started: as a user would, this starts it again now that there is room.
      if (code === 5 && disk !== null) continue;
      if (code !== null) throw new Error(`up ended with ${code}:\n${stderr.slice(-2000)}`);
    }
  }
});

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { startDemoWeb, type DemoWeb } from "@pairloom/sources";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { lastJson, pairloom, startPairloom } from "../road/pairloom.js";
import { crawlSettings } from "./crawlSettings.js";
import { SmallDisk } from "./smallDisk.js";

const folder = await mkdtemp(join(tmpdir(), "pairloom-full-disk-"));
const onDisk = join(folder, "disk");
const disk = SmallDisk.mount(onDisk, 96);
if (disk === null) console.warn("Skipped: no right to mount a tmpfs here");

const fullDisk = /No space left on the device while writing/;
const notice = /^warning: No space left .*\. Free some space: the work goes on by itself then\.$/gm;

describe.skipIf(disk === null)("a crawl whose disk is full", () => {
  let web: DemoWeb;
  beforeAll(async () => {
    web = await startDemoWeb({ seed: 5, scale: 0.1 });
  });
  let stop = () => {};
  afterEach(() => {
    stop();
    disk!.free();
  });
  afterAll(async () => {
    await web?.close();
    disk?.unmount();
    await rm(folder, { recursive: true, force: true });
  });

  /** A new project with `up` at work on it: it has published a segment. */
  async function startCrawl(dir: string, env: NodeJS.ProcessEnv = {}) {
    await mkdir(dir);
    await writeFile(join(dir, "pairloom.json"), JSON.stringify(crawlSettings(web)));
    const all = (await readFile("examples/demo-queries.txt", "utf8")).split("\n");
    await writeFile(join(folder, "queries.txt"), all.slice(0, 80).join("\n"));
    const seeded = await pairloom(["seed", "--dir", dir, join(folder, "queries.txt")], env);
    expect(seeded.code, seeded.stderr).toBe(0);
    const up = startPairloom(["up", "--dir", dir, "--until-idle", "--no-dashboard", "--json"], env);
    const said = { stdout: "", stderr: "" };
    up.stdout?.on("data", (chunk) => (said.stdout += String(chunk)));
    up.stderr?.on("data", (chunk) => (said.stderr += stripVTControlCharacters(String(chunk))));
    stop = () => void up.kill("SIGTERM");
    const ended = new Promise<number | null>((resolve) => up.on("close", resolve));
    await expect
      .poll(() => readdir(join(dir, "segments")).catch(() => []), { timeout: 60_000 })
      .not.toEqual([]);
    return { up, said, ended };
  }

  it("says so once, waits, and goes on by itself when there is room; its release waits for nobody, but is never half there", async () => {
    const dir = join(onDisk, "waits");
    const { said, ended } = await startCrawl(dir);
    disk!.fill(0);
    await expect.poll(() => said.stderr, { timeout: 60_000 }).toMatch(fullDisk);
    await sleep(5000);
    disk!.free();
    expect(await ended, said.stderr).toBe(0);
    expect(said.stderr.match(notice), said.stderr).toHaveLength(1);
    const summary = JSON.parse(said.stdout.trimEnd().split("\n").at(-1)!) as Record<string, unknown>;
    expect(summary).toMatchObject({ idle: true, failedJobs: 0 });
    expect(await readdir(join(dir, ".tmp"))).toEqual([]);

    const release = ["release", "--dir", dir, "--name", "all", "--json"];
    disk!.fill(200_000);
    const full = await pairloom(release);
    disk!.free();
    expect(full.code).toBe(5);
    expect(stripVTControlCharacters(full.stderr)).toMatch(
      /error: No space left on the device while writing .*\n.*Free some space/,
    );
    const whole = await pairloom(release);
    expect(whole.code, whole.stderr).toBe(0);
    const verified = await pairloom(["shards", "verify", lastJson<{ path: string }>(whole).path]);
    expect(verified.code, verified.stderr).toBe(0);
    expect(await readdir(join(dir, ".tmp"))).toEqual([]);
  });

  it("stops when it is asked to, though its Redis can't be started", async () => {
    const { up, said, ended } = await startCrawl(join(onDisk, "stops"));
    disk!.fill(0);
    await expect.poll(() => said.stderr, { timeout: 60_000 }).toMatch(fullDisk);
    up.kill("SIGTERM");
    const outcome = await Promise.race([ended, sleep(60_000, "did not stop", { ref: false })]);
    expect(outcome, said.stderr).not.toBe("did not stop");
  });

  it("waits for a Redis of the user's own that refuses changes, too", async () => {
    const data = join(onDisk, "redis");
    await mkdir(data);
    const socket = join(folder, "redis.sock");
    const settings = { port: 0, unixsocket: socket, dir: data, appendonly: "yes", save: "" };
    const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const server = spawn("redis-server", options, { stdio: "ignore" });
    try {
      const { said, ended } = await startCrawl(join(folder, "project"), { REDIS_URL: `unix://${socket}` });
      disk!.fill(0);
      await expect.poll(() => said.stderr, { timeout: 60_000 }).toMatch(fullDisk);
      await sleep(2000);
      disk!.free();
      expect(await ended, said.stderr).toBe(0);
      expect(said.stderr.match(notice), said.stderr).toHaveLength(1);
    } finally {
      server.kill();
    }
  });
});

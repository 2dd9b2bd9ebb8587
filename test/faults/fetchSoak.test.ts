import { fork, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { scanTar } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import { parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isLong } from "./killCount.js";
import { hostCount, rowOf, wrongHosts, type Ports } from "./soak/fates.mjs";

/** PAIRLOOM_SOAK is any other number, from 10,000 up: below it hosts that only fail have too few URLs to be set aside. */
const rowCount = Number(process.env["PAIRLOOM_SOAK"] ?? (isLong ? 200_000 : 10_000));
const perShard = isLong ? 10_000 : 1000;
const hostGapMs = 100;
/** What the server must see of the gap: a busy machine brings it a request late, so the next one seems to come too soon. */
const readGapMs = hostGapMs / 2;
const failureLimit = 50;
const hostConnections = 32;
/** What the second half of the run may need beyond the first. */
const heldGrowthMb = 8;
const rssGrowthMb = 64;

let dir: string;
let server: ChildProcess;
let ports: Ports;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "fetch-soak-"));
  server = fork(join(import.meta.dirname, "soak/server.mjs"), [String(readGapMs)]);
  [ports] = (await once(server, "message")) as [Ports];
});
afterAll(async () => {
  server.disconnect();
  await rm(dir, { recursive: true, force: true });
});

interface HostSeen {
  requests: number;
  pictures: number;
  shortestMs: number;
  /** The two requests between which it was. */
  closest: string;
  tooClose: number;
}
/** A line of processLog.mjs: memory in bytes, and what the process saw of its own requests. */
interface Sample {
  rss: number;
  /** The heap and what it holds outside itself. */
  held: number;
  hosts: number;
  shortestMs: number;
}

async function runFetch(): Promise<{ seconds: number; samples: Sample[] }> {
  const rows = Array.from({ length: rowCount }, (_, n) => rowOf(n, ports).url);
  await writeFile(join(dir, "list.txt"), rows.join("\n"));
  const cli = join(import.meta.dirname, "../../services/cli/bin/pairloom.js");
  const processLog = join(import.meta.dirname, "soak/processLog.mjs");
  const options = {
    url_list: join(dir, "list.txt"),
    output_folder: join(dir, "out"),
    output_format: "webdataset",
    number_sample_per_shard: perShard,
    image_size: 64,
    timeout: 5,
    retries: 1,
    host_gap_ms: hostGapMs,
    address_gap_ms: hostGapMs / 2,
    allow_private: "127.0.0.0/8",
  };
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(process.execPath, ["--import", processLog, cli, "fetch", "--json", ...args], {
    env: { ...process.env, REDIS_URL: "", PROCESS_LOG: join(dir, "process.jsonl") },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [said, ended] = await Promise.all([text(child.stdout), once(child, "close")]);
  expect(ended[0]).toBe(0);
  const lines = (await readFile(join(dir, "process.jsonl"), "utf8")).trimEnd().split("\n");
  const samples = lines.map((line) => JSON.parse(line) as Sample);
  return { seconds: (JSON.parse(said) as { seconds: number }).seconds, samples };
}

/** Every row of the shards: its URL and "success" or its reason; pictures are in the tar where it says so. */
async function* outcomes(): AsyncGenerator<[url: string, outcome: string]> {
  const store = await openStore(join(dir, "out"));
  for (const name of (await readdir(join(dir, "out"))).filter((one) => one.endsWith(".parquet"))) {
    const bytes = await readFile(join(dir, "out", name));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const columns = ["url", "key", "status", "error_message"];
    const rows = (await parquetReadObjects({ file, columns })) as Record<string, string | null>[];
    const pictures: string[] = [];
    for await (const member of scanTar(await store.read(name.replace("parquet", "tar"))))
      if (member.name.endsWith(".jpg")) pictures.push(member.name.slice(0, -4));
    const successes = rows.filter((row) => row["status"] === "success").map((row) => row["key"]!);
    expect(pictures.sort()).toEqual(successes.sort());
    for (const row of rows) yield [row["url"]!, row["error_message"] ?? row["status"]!];
  }
}

/** The middle of the samples of the run's first or second half, in MB: a picture or two in hand don't matter to it. */
function middleOf(all: Sample[], half: 0 | 1, name: keyof Sample): number {
  const middle = Math.floor(all.length / 2);
  const part = (half === 0 ? all.slice(0, middle) : all.slice(middle)).map((one) => one[name]);
  return part.sort((a, b) => a - b)[Math.floor(part.length / 2)]! / 1e6;
}

test(`${rowCount} URLs over ${hostCount} hosts with a tenth of faults: one row each with its one reason, gaps kept, memory flat`, async () => {
  const { seconds, samples } = await runFetch();

  const expected = new Map<string, string | null>();
  for (let n = 0; n < rowCount; n++) expected.set(rowOf(n, ports).url, rowOf(n, ports).reason);
  expect(expected.size).toBe(rowCount);
  const counts: Record<string, number> = {};
  const wrong: string[] = [];
  const ofDying: Record<string, Record<string, number>> = {};
  for await (const [url, outcome] of outcomes()) {
    const reason = expected.get(url);
    if (reason === undefined) wrong.push(`${url} a second time, or never asked for`);
    expected.delete(url);
    counts[outcome] = (counts[outcome] ?? 0) + 1;
    if (reason === null) {
      const host = (ofDying[new URL(url).hostname] ??= {});
      host[outcome] = (host[outcome] ?? 0) + 1;
    } else if (outcome !== reason) wrong.push(`${url} is ${outcome}, not ${reason}`);
  }
  expect(wrong).toEqual([]);
  expect([...expected.keys()]).toEqual([]);

  server.send("seen");
  const seen = new Map(((await once(server, "message")) as [[string, HostSeen][]])[0]);
  const tooClose = [...seen].flatMap(([host, { tooClose: times, shortestMs, closest }]) =>
    times > 0 ? [{ host, times, shortestMs, closest }] : [],
  );
  const last = samples.at(-1)!;
  const shortestMs = Math.min(...[...seen.values()].map((one) => one.shortestMs));
  const requests = [...seen.values()].reduce((sum, one) => sum + one.requests, 0);
  const figures = {
    rows: rowCount,
    seconds: Math.round(seconds),
    requests,
    shortestMs: { sent: last.shortestMs, read: shortestMs },
    tooClose,
    heldMb: [middleOf(samples, 0, "held"), middleOf(samples, 1, "held")].map(Math.round),
    rssMb: [middleOf(samples, 0, "rss"), middleOf(samples, 1, "rss")].map(Math.round),
    counts,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
  expect(last.hosts).toBeGreaterThanOrEqual(hostCount);
  expect(last.shortestMs).toBeGreaterThanOrEqual(hostGapMs);
  expect(tooClose).toEqual([]);

  // A host that only fails is set aside, after the limit and what was under way; no other one is (their rows say so).
  expect(Object.keys(ofDying).length).toBe(wrongHosts.dying.count);
  for (const [host, outcome] of Object.entries(ofDying)) {
    expect(Object.keys(outcome).sort()).toEqual(["host_set_aside", "http_500"]);
    expect(seen.get(host)!.pictures).toBeGreaterThanOrEqual(failureLimit);
    if (seconds < 600) expect(seen.get(host)!.pictures).toBeLessThan(failureLimit + hostConnections);
  }

  expect(samples.length).toBeGreaterThan(8);
  expect(middleOf(samples, 1, "held") - middleOf(samples, 0, "held")).toBeLessThan(heldGrowthMb);
  expect(middleOf(samples, 1, "rss") - middleOf(samples, 0, "rss")).toBeLessThan(rssGrowthMb);
});

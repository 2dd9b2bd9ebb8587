import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scanTar } from "@pairloom/shards";
import { openStore } from "@pairloom/storage";
import { afterAll, beforeAll, expect, test } from "vitest";
import { pictureServer, type PictureServer } from "../../services/fetcher/test/pictureServer.js";

const cli = fileURLToPath(new URL("../../services/cli/bin/pairloom.js", import.meta.url));
const rowCount = 900;
const perShard = 60;

let dir: string;
let server: PictureServer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "fetch-killed-"));
  server = await pictureServer();
  const path = (n: number) => (n % 10 === 9 ? `/404/${n}` : `/ok/${n}`);
  const lines = Array.from({ length: rowCount }, (_, n) => `${server.origin}${path(n)},caption ${n}`);
  await writeFile(join(dir, "list.csv"), ["url,caption", ...lines].join("\n"));
});
afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

/** Runs `pairloom fetch`; killed when so many more requests have come. @returns the exit code, null where killed */
async function fetchList(killAfterRequests: number | null): Promise<number | null> {
  const options = [
    "--caption_col=caption",
    "--output_format=webdataset",
    `--number_sample_per_shard=${perShard}`,
  ];
  const web = ["--allow_private=127.0.0.0/8", "--host_gap_ms=0", "--address_gap_ms=0", "--image_size=64"];
  const args = [cli, "fetch", `--url_list=${join(dir, "list.csv")}`, `--output_folder=${join(dir, "out")}`];
  const child = spawn(process.execPath, [...args, ...options, ...web, "--json"], { stdio: "ignore" });
  const before = server.asked.length;
  const timer = setInterval(() => {
    if (killAfterRequests !== null && server.asked.length - before >= killAfterRequests)
      child.kill("SIGKILL");
  }, 1);
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearInterval(timer);
  return code;
}

test("killed with kill -9 again and again, every row ends in one shard once", async () => {
  let kills = 0;
  for (const requests of [1, 61, 130, 200, 75, 240, 33]) if ((await fetchList(requests)) === null) kills++;
  expect(kills).toBeGreaterThanOrEqual(5);
  expect(await fetchList(null)).toBe(0);

  const out = join(dir, "out");
  const store = await openStore(out);
  const captions: string[] = [];
  let failed = 0;
  const names = await readdir(out);
  const shards = names.filter((name) => name.endsWith(".tar"));
  expect(shards.length).toBe(rowCount / perShard);
  for (const shard of shards) {
    const problems: unknown[] = [];
    const scan = scanTar(await store.read(shard), { onProblem: (problem) => problems.push(problem) });
    for await (const { name, data } of scan) if (name.endsWith(".txt")) captions.push(data.toString());
    expect(problems).toEqual([]);
    const stats = JSON.parse(
      await readFile(join(out, shard.replace(".tar", "_stats.json")), "utf8"),
    ) as Record<string, number>;
    expect(stats["count"]).toBe(perShard);
    failed += stats["failed_to_download"]!;
  }
  expect(failed).toBe(rowCount / 10);
  const expected = Array.from({ length: rowCount }, (_, n) => n).filter((n) => n % 10 !== 9);
  expect(captions.sort()).toEqual(expected.map((n) => `caption ${n}`).sort());
  expect(names.filter((name) => !/^(\d{5}(_stats\.json|\.tar|\.parquet)|\.tmp)$/.test(name))).toEqual([]);
});

import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const python = process.env.PAIRLOOM_PYTHON ?? "";
const missing =
  python === "" ? "needs Python with pyarrow (PAIRLOOM_PYTHON names it; environment.sh makes it)" : null;
if (missing !== null) console.log(`Column kinds of lists through pairloom fetch are skipped: ${missing}`);

const cli = fileURLToPath(new URL("../../services/cli/bin/pairloom.js", import.meta.url));
const script = fileURLToPath(new URL("list_kinds_reference.py", import.meta.url));

function ask<T>(...args: string[]): T {
  const done = spawnSync(python, [script, ...args], { encoding: "utf8", maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout) as T;
}

/** Runs `pairloom fetch` to its end. */
function fetchList(args: string[]): Promise<void> {
  const more = ["--allow_private=127.0.0.0/8", "--host_gap_ms=0", "--address_gap_ms=0", "--json"];
  const child = spawn(process.execPath, [cli, "fetch", ...args, ...more]);
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(said))));
  });
}

interface Read {
  types: Record<string, string>;
  columns: Record<string, string[]>;
}

describe.skipIf(missing !== null)("column kinds of lists, through pairloom fetch", () => {
  let dir: string;
  let server: Server;
  const lists = () => join(dir, "lists");
  let columns: string[];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "list-kinds-"));
    await mkdir(lists());
    const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    server = createServer((request, response) => {
      if (request.url?.startsWith("/ok/") === true) response.end(picture);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    columns = ask("make", lists(), `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterAll(async () => {
    server.close();
    await rm(dir, { recursive: true, force: true });
  });

  test("pyarrow reads from the shards what it reads from the list, whatever its compression and encodings", async () => {
    const out = join(dir, "out");
    await fetchList([
      `--url_list=${lists()}`,
      `--save_additional_columns=[${columns.join(",")}]`,
      `--output_folder=${out}`,
      "--output_format=webdataset",
      "--number_sample_per_shard=200",
    ]);
    const shards = Object.entries(ask<Record<string, Read>>("read", out)).sort();
    const files = Object.entries(ask<Record<string, Read>>("read", lists())).sort();
    expect(files.length).toBeGreaterThan(8);
    expect(shards.length).toBe(2 * files.length);
    for (const [at, [file, list]] of files.entries()) {
      const own = shards.slice(2 * at, 2 * at + 2).map(([, shard]) => shard);
      for (const column of columns) {
        const values = own.flatMap((shard) => shard.columns[column]!);
        expect(values, `${column} of ${file}`).toEqual(list.columns[column]);
        // Arrow's own names for what parquet calls a string.
        const kind = list.types[column]!.replace("large_", "").replace(/^dictionary.*/, "string");
        for (const shard of own) expect(shard.types[column], `${column} of ${file}`).toBe(kind);
      }
    }
  });
});

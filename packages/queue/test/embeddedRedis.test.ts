import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "@pairloom/config";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openRedis, type RedisHandle } from "../src/index.js";
import { startChild } from "./startChild.js";
import { isProcessAlive, killServer, serverPid, until } from "./testRoad.js";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "embedded-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

describe("an embedded Redis", () => {
  test("keeps every acknowledged write and forgets none for want of memory", async () => {
    const redis = await openRedis({ dir });
    const connection = redis.connect();
    const settings = await connection.config("GET", "appendfsync", "maxmemory-policy", "port");
    expect(settings).toEqual(
      expect.arrayContaining(["appendfsync", "always", "maxmemory-policy", "noeviction", "port", "0"]),
    );
    expect(Buffer.byteLength(redis.where)).toBeLessThanOrEqual(107);
    await redis.close();
  });

  test("is shared by all processes that open the folder, and stops with the last of them", async () => {
    const redis = await openRedis({ dir });
    const child = await startChild("use", dir);
    expect(child.ready.where).toBe(redis.where);
    const pid = await serverPid(dir);
    await redis.close();
    expect(isProcessAlive(pid)).toBe(true);
    await child.end();
    await until(() => !isProcessAlive(pid));
  });

  test("is started once when many ask at once", async () => {
    const handles = await Promise.all(Array.from({ length: 8 }, () => openRedis({ dir })));
    expect(new Set(handles.map((handle) => handle.where)).size).toBe(1);
    const pid = await serverPid(dir);
    await Promise.all(handles.map((handle) => handle.close()));
    await until(() => !isProcessAlive(pid));
    expect(await readdir(join(dir, "redis", "users"))).toEqual([]);
  });

  test("is found again after the process that started it was killed", async () => {
    const child = await startChild("use", dir);
    const pid = await serverPid(dir);
    await child.kill();
    const redis = await openRedis({ dir });
    expect(redis.where).toBe(child.ready.where);
    expect(await serverPid(dir)).toBe(pid);
    await redis.close();
    await until(() => !isProcessAlive(pid));
  });

  test("ends by itself when its last user was killed", async () => {
    const starter = await openRedis({ dir, graceSeconds: 1 });
    const child = await startChild("use", dir);
    await starter.close();
    const pid = await serverPid(dir);
    await child.kill();
    await until(() => !isProcessAlive(pid));
  });

  test("removes what a killed server had begun to write anew", async () => {
    await (await openRedis({ dir })).close();
    const begun = ["temp-rewriteaof-bg-4.aof", "temp-rewriteaof-4.aof", "appendonlydir/temp-appendonly.aof"];
    for (const name of begun) await writeFile(join(dir, "redis", name), "half");
    const redis = await openRedis({ dir });
    const files = await readdir(join(dir, "redis"), { recursive: true });
    expect(files.filter((name) => name.includes("temp-"))).toEqual([]);
    await redis.close();
  });

  test("comes back with its data at the same place after kill -9, for the connections that are open", async () => {
    const said: string[] = [];
    const redis = await openRedis({ dir, log: (message) => said.push(message) });
    const connection = redis.connect();
    for (let round = 1; round <= 3; round += 1) {
      await connection.incr("rounds");
      await killServer(dir);
      expect(await connection.get("rounds")).toBe(String(round));
    }
    expect(said.filter((message) => message.includes("starting it again"))).toHaveLength(3);
    await redis.close();
  });

  test("is brought up once when all of its users notice its death", async () => {
    const redis = await openRedis({ dir });
    const other = await startChild("use", dir);
    const connections = Array.from({ length: 4 }, () => redis.connect());
    await connections[0]?.set("kept", "yes");
    await killServer(dir);
    expect(await Promise.all(connections.map((connection) => connection.get("kept")))).toEqual(
      Array.from({ length: 4 }, () => "yes"),
    );
    await other.end();
    await redis.close();
  });

  test("has its data again after a clean end", async () => {
    const first = await openRedis({ dir });
    await first.connect().set("kept", "yes");
    await first.close();
    const second = await openRedis({ dir });
    expect(await second.connect().get("kept")).toBe("yes");
    await second.close();
  });

  test("of a copied folder is not the original's", async () => {
    const original = await openRedis({ dir: join(dir, "a") });
    await original.connect().set("whose", "a");
    await cp(join(dir, "a"), join(dir, "b"), { recursive: true });
    const copy = await openRedis({ dir: join(dir, "b") });
    expect(copy.where).not.toBe(original.where);
    await copy.connect().set("whose", "b");
    expect(await original.connect().get("whose")).toBe("a");
    await Promise.all([copy.close(), original.close()]);
  });

  test("is reached again after its socket was cleaned away", async () => {
    const redis = await openRedis({ dir });
    await redis.connect().set("kept", "yes");
    await rm(redis.where);
    const other: RedisHandle = await openRedis({ dir });
    expect(await other.connect().get("kept")).toBe("yes");
    await other.close();
    await redis.close();
  });
});

test("without any way to a Redis the error names the three ways", async () => {
  const nowhere = { cacheFolder: join(dir, "cache"), toolPath: "" };
  const failed = openRedis({ dir, searchPath: "", download: nowhere });
  await expect(failed).rejects.toThrow(UserError);
  const error = await failed.catch((caught: unknown) => caught as UserError);
  expect(error).toMatchObject({ code: "redis_missing" });
  expect((error as UserError).hint).toMatch(/REDIS_URL[^]*apt-get install redis-server[^]*Debian and Ubuntu/);
});

test("a server that does not start says why", async () => {
  const failed = openRedis({ dir: await withBrokenData(dir) });
  await expect(failed).rejects.toMatchObject({ code: "redis_not_started" });
  await expect(failed).rejects.toThrow(/Bad file format|Unrecoverable error|format error/i);
});

/** A folder whose append-only file is damaged in the middle. */
async function withBrokenData(dir: string): Promise<string> {
  const redis = await openRedis({ dir });
  const connection = redis.connect();
  for (let at = 0; at < 20; at += 1) await connection.set(`key${at}`, "x".repeat(50));
  await redis.close();
  const folder = join(dir, "redis", "appendonlydir");
  const name = (await readdir(folder)).find((file) => file.endsWith(".incr.aof"));
  const path = name === undefined ? join(dir, "redis", "appendonly.aof") : join(folder, name);
  const bytes = await readFile(path);
  bytes.fill(0x21, 200, 400);
  await writeFile(path, bytes);
  return dir;
}

import { UserError } from "@pairloom/config";
import { expect, test } from "vitest";
import { openRedis } from "../src/index.js";
import { hidePassword, parseRedisUrl } from "../src/redis/redisUrl.js";

test.each([
  ["redis://localhost", { host: "localhost", port: 6379 }],
  ["redis://:secret@10.0.0.1:7000/3", { host: "10.0.0.1", port: 7000, password: "secret", db: 3 }],
  [
    "rediss://me:p%40ss@redis.example/0",
    { host: "redis.example", port: 6379, username: "me", password: "p@ss", db: 0, tls: {} },
  ],
  ["redis://[::1]:6380", { host: "::1", port: 6380 }],
  ["unix:///run/redis.sock", { path: "/run/redis.sock" }],
])("%s is understood", (url, options) => {
  expect(parseRedisUrl(url)).toEqual(options);
});

test.each(["", "localhost:6379", "http://localhost", "redis://"])("%j is refused", (url) => {
  expect(() => parseRedisUrl(url)).toThrow(UserError);
});

test("passwords are not shown", () => {
  expect(hidePassword("redis://me:secret@host:1/0")).toBe("redis://me:***@host:1/0");
});

test("a Redis URL at which nobody answers is a clear error", async () => {
  const failed = openRedis({ dir: "/nowhere", url: "redis://:secret@127.0.0.1:1" });
  await expect(failed).rejects.toMatchObject({ code: "redis_unreachable" });
  await expect(failed).rejects.toThrow(/127\.0\.0\.1:1/);
  await expect(failed).rejects.not.toThrow(/secret/);
});

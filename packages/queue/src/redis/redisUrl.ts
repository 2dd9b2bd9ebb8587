import { UserError } from "@pairloom/config/errors";
import type { RedisOptions } from "ioredis";

/** redis://user:password@host:port/db, rediss:// (TLS) or unix:///path to ioredis options. @throws UserError */
export function parseRedisUrl(text: string): RedisOptions {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol === "unix:") return { path: decodeURIComponent(url.pathname), ...credentials(url) };
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "") {
    throw new UserError(
      "redis_url_invalid",
      `Expected a Redis URL, got ${JSON.stringify(hidePassword(text))}`,
      {
        hint: 'Write it as "redis://host:6379", "rediss://user:password@host:6379/0" or "unix:///path/to/redis.sock".',
      },
    );
  }
  const database = url.pathname.replace(/^\//, "");
  return {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 6379 : Number(url.port),
    ...credentials(url),
    ...(/^\d+$/.test(database) ? { db: Number(database) } : {}),
    ...(url.protocol === "rediss:" ? { tls: {} } : {}),
  };
}

function credentials(url: URL): RedisOptions {
  return {
    ...(url.username === "" ? {} : { username: decodeURIComponent(url.username) }),
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
  };
}

/** The URL as it may be shown in messages and logs. */
export function hidePassword(url: string): string {
  return url.replace(/^([a-z]+:\/\/[^/@]*:)[^@]*@/, "$1***@");
}

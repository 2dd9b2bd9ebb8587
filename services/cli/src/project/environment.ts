import { homedir } from "node:os";
import { join } from "node:path";
import type { OpenRedisOptions } from "@pairloom/queue";

/** Where downloads live that many projects share (engines, an embedded Redis): PAIRLOOM_CACHE, or ~/.cache/pairloom. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return env["PAIRLOOM_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "pairloom");
}

/** Where Redis comes from: REDIS_URL, or a server found on PATH, or one fetched into the cache folder. */
export function redisOptions(
  env: NodeJS.ProcessEnv = process.env,
): Pick<OpenRedisOptions, "url" | "searchPath" | "download"> {
  const url = env["REDIS_URL"];
  return {
    url: url === "" ? undefined : url,
    searchPath: env["PATH"],
    download: { cacheFolder: join(cacheDir(env), "redis"), toolPath: env["PATH"] },
  };
}

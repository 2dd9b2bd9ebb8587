import type { UserError } from "@pairloom/config";
import type { RedisHandle } from "@pairloom/queue";
import { redisOptions } from "./environment.js";
import { readProjectFile } from "./projectFile.js";

export interface SharedClockOptions {
  /** --redis-url */
  redisUrl?: string | undefined;
  /** --dir: a project whose Redis is taken where no URL is given. */
  dir?: string | undefined;
  /** Told when a project's own Redis can't go on (a full disk). */
  onTrouble?: (error: UserError) => void;
  /** Told when the connection is lost. */
  log?: (message: string) => void;
}

/**
 * The Redis in which a command beside the road keeps its host clocks: --redis-url, else REDIS_URL, else that of the
 * project which --dir names. Null: none of these, so the clocks are the process's own.
 * @throws UserError "redis_unreachable", "redis_url_invalid", "project_missing"
 */
export async function openSharedClocks(
  { redisUrl, dir, onTrouble, log }: SharedClockOptions,
  env: NodeJS.ProcessEnv = process.env,
): Promise<RedisHandle | null> {
  const found = redisOptions(env);
  const url = redisUrl === undefined || redisUrl === "" ? found.url : redisUrl;
  if (dir !== undefined) await readProjectFile(dir);
  if (url === undefined && dir === undefined) return null;
  // The queue's package is large, and without a Redis nothing of it is needed.
  const { openRedis } = await import("@pairloom/queue");
  // How a server is set up doesn't matter to clocks.
  let isOpen = false;
  const told = (message: string): void => (isOpen ? log?.(message) : undefined);
  const handle = await openRedis({ ...found, dir: dir ?? ".", url, onTrouble, log: told });
  isOpen = true;
  return handle;
}

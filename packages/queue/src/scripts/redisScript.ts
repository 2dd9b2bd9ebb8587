import type { Redis } from "ioredis";

/** A Lua script that Redis runs as one step. KEYS come first, then ARGV. */
export interface RedisScript {
  name: string;
  keys: number;
  lua: string;
}

type Argument = string | number | Buffer;

/** Makes a script callable on a connection (sent once, then named by its hash). Replies hold strings and numbers. */
export function bindScript(connection: Redis, script: RedisScript) {
  const command = `pairloom_${script.name}`;
  connection.defineCommand(command, { numberOfKeys: script.keys, lua: script.lua });
  const commands = connection as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>;
  return async (...args: Argument[]): Promise<unknown> => commands[command]?.call(connection, ...args);
}

/** Like `bindScript`, for replies that are bytes, or nil. */
export function bindBytesScript(connection: Redis, script: RedisScript) {
  const command = `pairloom_${script.name}`;
  connection.defineCommand(command, { numberOfKeys: script.keys, lua: script.lua });
  const commands = connection as unknown as Record<string, (...args: Argument[]) => Promise<unknown>>;
  return async (...args: Argument[]): Promise<Buffer | null> =>
    (await commands[`${command}Buffer`]?.call(connection, ...args)) as Buffer | null;
}

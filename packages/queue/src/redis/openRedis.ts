import { Redis, type RedisOptions } from "ioredis";
import { DiskFullError, isDiskFull, UserError } from "@pairloom/config/errors";
import { joinEmbeddedRedis } from "./embeddedRedis.js";
import { obtainServer, type ObtainServerOptions } from "./obtainServer.js";
import { serverWarnings } from "./serverWarnings.js";
import { hidePassword, parseRedisUrl } from "./redisUrl.js";

export interface OpenRedisOptions extends ObtainServerOptions {
  /** The project's folder; an embedded server keeps its data in `<dir>/redis`. */
  dir: string;
  /** REDIS_URL: a server that somebody else runs. */
  url?: string | undefined;
  log?: ((message: string) => void) | undefined;
  temporaryFolder?: string | undefined;
  /** How long an embedded server stays whose last user was killed. */
  graceSeconds?: number | undefined;
  /**
   * Told when an embedded server that was running cannot go on without the user: the disk is full (DiskFullError), it
   * cannot be started again. It is tried again all the same; a service exits with the error's exit code.
   */
  onTrouble?: ((error: UserError) => void) | undefined;
}

/** A Redis that is there for as long as the handle is open. */
export interface RedisHandle {
  readonly kind: "url" | "embedded";
  /** ioredis options, as BullMQ wants them (commands wait while the server is away). */
  readonly options: RedisOptions;
  /** For messages; without a password. */
  readonly where: string;
  /** What of a server that others run endangers the queues: a line each, for people. */
  readonly warnings: readonly string[];
  /** A new connection, closed by its owner or with the handle. */
  connect(): Redis;
  /** Closes the connections; with its last user an embedded server stops. */
  close(): Promise<void>;
}

/**
 * The Redis to use: `url`, else a private server on `<dir>/redis`, shared by all processes that open the same folder
 * and brought up again by any of them when it dies.
 * @throws UserError "redis_unreachable", "redis_missing", "redis_not_started"
 */
export async function openRedis(options: OpenRedisOptions): Promise<RedisHandle> {
  return options.url ? openUrl(options.url, options) : openEmbedded(options);
}

const retryDelayMs = (times: number) => Math.min(25 * 2 ** Math.min(times, 6), 1000);

async function openUrl(url: string, { log }: OpenRedisOptions): Promise<RedisHandle> {
  const base: RedisOptions = {
    ...parseRedisUrl(url),
    maxRetriesPerRequest: null,
    retryStrategy: retryDelayMs,
  };
  const probe = new Redis({ ...base, lazyConnect: true, retryStrategy: () => null, connectTimeout: 10_000 });
  let lastError: unknown;
  let warnings: string[];
  probe.on("error", (error) => (lastError = error));
  try {
    await probe.connect();
    await probe.ping();
    warnings = await serverWarnings(probe);
  } catch (error) {
    throw new UserError("redis_unreachable", `No Redis answers at ${hidePassword(url)}`, {
      hint: "Start it, mend its URL (REDIS_URL or --redis-url), or leave the URL out and do without it.",
      cause: lastError ?? error,
    });
  } finally {
    probe.disconnect();
  }
  return new Handle(
    "url",
    base,
    hidePassword(url),
    warnings,
    log ?? (() => undefined),
    async () => undefined,
  );
}

async function openEmbedded(options: OpenRedisOptions): Promise<RedisHandle> {
  const log = options.log ?? (() => undefined);
  const onTrouble = options.onTrouble ?? (() => undefined);
  const server = await joinEmbeddedRedis(options.dir, {
    findProgram: () => obtainServer(options, log),
    log,
    onTrouble,
    temporaryFolder: options.temporaryFolder,
    graceSeconds: options.graceSeconds,
  }).catch((error: unknown) => {
    throw isDiskFull(error) ? new DiskFullError(options.dir, error) : error;
  });
  let closed = false;
  let reviving: Promise<void> | null = null;
  // Every connection that loses its server asks for the time until its next try: the moment to look after the server.
  const revive = () => {
    if (closed || reviving !== null) return;
    reviving = server
      .revive()
      .catch((error: unknown) => {
        log(`Redis could not be started again: ${error instanceof Error ? error.message : String(error)}`);
        if (isDiskFull(error)) onTrouble(new DiskFullError(options.dir, error));
        else if (error instanceof UserError) onTrouble(error);
      })
      .finally(() => (reviving = null));
  };
  const base: RedisOptions = {
    path: server.socketPath,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => {
      revive();
      return retryDelayMs(times);
    },
  };
  return new Handle("embedded", base, server.socketPath, [], log, async () => {
    closed = true;
    await reviving;
    await server.release();
  });
}

class Handle implements RedisHandle {
  readonly #connections = new Set<Redis>();
  #closing: Promise<void> | null = null;

  constructor(
    readonly kind: "url" | "embedded",
    readonly options: RedisOptions,
    readonly where: string,
    readonly warnings: readonly string[],
    private readonly log: (message: string) => void,
    private readonly release: () => Promise<void>,
  ) {}

  connect(): Redis {
    const connection = new Redis({ ...this.options });
    this.#connections.add(connection);
    connection.on("end", () => this.#connections.delete(connection));
    let wasLost = false;
    connection.on("ready", () => (wasLost = false));
    connection.on("error", (error: Error) => {
      if (!wasLost) this.log(`Redis connection lost (${error.message}); trying again`);
      wasLost = true;
    });
    return connection;
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const connection of this.#connections) connection.disconnect();
      await this.release();
    })();
    return this.#closing;
  }
}

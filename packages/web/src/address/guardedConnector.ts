import { isIP, type Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { buildConnector } from "undici";
import type { NameResolver } from "../dns/nameResolver.js";
import { canonicalAddress, type AddressPolicy } from "./addressPolicy.js";

/** A connection that the guard refused; `code` is "ADDRESS_REFUSED". */
export class AddressRefusedError extends Error {
  readonly code = "ADDRESS_REFUSED";
}

/** The name has no address; `reason` says whether for good. */
export class NameUnresolvedError extends Error {
  readonly code = "NAME_UNRESOLVED";
  constructor(
    readonly reason: "dns_not_found" | "dns_failed",
    message: string,
  ) {
    super(message);
  }
}

/** How long an address is given to answer before the next one is tried beside it (RFC 8305 §5). */
const attemptDelayMs = 250;

/** A name with a thousand addresses doesn't buy a thousand connections. */
const maxAttempts = 6;

const maxReadBytes = 8 * 1024;

/** undici's connectors return the socket that they are opening, which their type doesn't say. */
type Opening = (options: buildConnector.Options, callback: buildConnector.Callback) => Socket;

/**
 * undici's connector with the guard inside: literals and resolved addresses are judged alike, the socket is opened to
 * an address that was judged (never to a name), and what it is connected to is judged again.
 *
 * @param ca certificates (PEM) of authorities that are trusted beside Node's own
 */
export function guardedConnector(
  policy: AddressPolicy,
  resolver: NameResolver,
  timeoutMs: number,
  ca: readonly string[] = [],
): buildConnector.connector {
  const trusted = ca.length === 0 ? {} : { ca: [...rootCertificates, ...ca] };
  const connect = buildConnector({
    timeout: timeoutMs,
    maxCachedSessions: 1000,
    ...trusted,
  }) as unknown as Opening;

  async function open(options: buildConnector.Options): Promise<Socket> {
    const host = options.hostname.replace(/^\[|\]$/g, "");
    const resolution = await resolver.resolve(host);
    if (!resolution.ok) throw new NameUnresolvedError(resolution.reason, resolution.errorMessage);
    const port = Number(options.port) || (options.protocol === "https:" ? 443 : 80);
    const addresses = resolution.addresses.filter((address) => policy.permits(address, port));
    if (addresses.length === 0)
      throw new AddressRefusedError(`${host} is ${resolution.addresses.join(", ")}`);
    const socket = await firstToConnect(inTurns(addresses).slice(0, maxAttempts), (address, callback) =>
      connect(pinned(options, host, address), callback),
    );
    const reached = canonicalAddress(socket.remoteAddress ?? "");
    if (reached !== null && addresses.includes(reached) && policy.permits(reached, port)) {
      return inSmallReads(socket);
    }
    socket.destroy();
    throw new AddressRefusedError(`${host} led to ${socket.remoteAddress ?? "nowhere"}`);
  }

  return (options, callback) => {
    open(options).then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

/** Both families by turns, each in its order: a family without a route costs one attempt (RFC 8305 §4). */
export function inTurns(addresses: readonly string[]): string[] {
  const isSix = (address: string): boolean => address.includes(":");
  const first = addresses.filter((address) => isSix(address) === isSix(addresses[0] ?? ""));
  const second = addresses.filter((address) => !first.includes(address));
  return first
    .flatMap((address, i) => [address, ...second.slice(i, i + 1)])
    .concat(second.slice(first.length));
}

/**
 * Opens the addresses in their order, the next one as soon as the one before has failed or has not answered within
 * 250 ms; the first that is ready stays and the others are ended. A TCP connection that stands is given its time for
 * TLS. @throws what the last one failed of
 */
function firstToConnect(
  addresses: readonly string[],
  connect: (address: string, callback: buildConnector.Callback) => Socket,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const opening = new Set<Socket>();
    let next = 0;
    let timer: NodeJS.Timeout | undefined;
    let done = false;
    const tryNext = (): void => {
      clearTimeout(timer);
      const address = addresses[next++];
      if (address === undefined || done) return;
      const socket = connect(address, (...[error, ready]) => {
        opening.delete(socket);
        if (error !== null || ready === null) {
          if (next < addresses.length) tryNext();
          else if (opening.size === 0 && !done) reject(error ?? new Error("no socket"));
          return;
        }
        if (done) return void ready.destroy();
        done = true;
        clearTimeout(timer);
        for (const other of opening) other.destroy();
        resolve(ready);
      });
      opening.add(socket);
      socket.once("connect", () => clearTimeout(timer));
      if (next < addresses.length) timer = setTimeout(tryNext, attemptDelayMs);
    };
    tryNext();
  });
}

/**
 * undici 7.30's parser makes an error with its stack for every header beyond the limit until what it was handed is at
 * its end: 64 KiB of headers of six bytes hold the event loop for 80 ms, 8 KiB one tenth of that.
 */
function inSmallReads(socket: Socket): Socket {
  const read = socket.read.bind(socket) as (bytes?: number) => unknown;
  socket.read = (bytes?: number): unknown => {
    if (socket.destroyed) return null;
    const ready = socket.readableLength;
    return read(bytes ?? (ready > maxReadBytes ? maxReadBytes : undefined));
  };
  return socket;
}

function pinned(options: buildConnector.Options, host: string, address: string): buildConnector.Options {
  // The certificate is checked against the name, not against the address that was dialled.
  return { ...options, hostname: address, ...(isIP(host) === 0 ? { servername: host } : {}) };
}

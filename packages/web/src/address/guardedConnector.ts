import { isIP, type Socket } from "node:net";
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

/** With several addresses, how long the first ones are tried before the next. */
const attemptMs = 2500;

/**
 * undici's connector with the guard inside: literals and resolved addresses are judged alike, the socket is opened to
 * an address that was judged (never to a name), and what it is connected to is judged again.
 */
export function guardedConnector(
  policy: AddressPolicy,
  resolver: NameResolver,
  timeoutMs: number,
): buildConnector.connector {
  const last = buildConnector({ timeout: timeoutMs, maxCachedSessions: 1000 });
  const early = buildConnector({ timeout: Math.min(attemptMs, timeoutMs), maxCachedSessions: 1000 });

  async function open(options: buildConnector.Options): Promise<Socket> {
    const host = options.hostname.replace(/^\[|\]$/g, "");
    const resolution = await resolver.resolve(host);
    if (!resolution.ok) throw new NameUnresolvedError(resolution.reason, resolution.errorMessage);
    const port = Number(options.port) || (options.protocol === "https:" ? 443 : 80);
    const addresses = resolution.addresses.filter((address) => policy.permits(address, port));
    if (addresses.length === 0)
      throw new AddressRefusedError(`${host} is ${resolution.addresses.join(", ")}`);
    let failure: unknown;
    for (const [i, address] of addresses.entries()) {
      try {
        const connect = i === addresses.length - 1 ? last : early;
        const socket = await connectTo(connect, options, host, address);
        const reached = canonicalAddress(socket.remoteAddress ?? "");
        if (reached === address && policy.permits(reached, port)) return socket;
        socket.destroy();
        throw new AddressRefusedError(`${host} led to ${socket.remoteAddress ?? "nowhere"}`);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  return (options, callback) => {
    open(options).then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

function connectTo(
  connect: buildConnector.connector,
  options: buildConnector.Options,
  host: string,
  address: string,
): Promise<Socket> {
  // The certificate is checked against the name, not against the address that was dialled.
  const servername = isIP(host) === 0 ? host : undefined;
  const pinned = {
    ...options,
    hostname: address,
    ...(servername === undefined ? {} : { servername }),
  };
  return new Promise((resolve, reject) => {
    connect(pinned, (error, socket) => {
      if (error === null) resolve(socket);
      else reject(error);
    });
  });
}

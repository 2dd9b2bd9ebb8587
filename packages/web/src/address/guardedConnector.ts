import { isIP, type Socket } from "node:net";
import { rootCertificates } from "node:tls";
import { buildConnector } from "undici";
import type { NameResolver } from "../dns/nameResolver.js";
import { canonicalAddress, type AddressPolicy } from "./addressPolicy.js";
import { inSmallHeadReads } from "../exchange/smallHeadReads.js";
import { firstToConnect } from "./firstToConnect.js";

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
    const socket = await firstToConnect(addresses, (address, callback) =>
      connect(pinned(options, host, address), callback),
    );
    const reached = canonicalAddress(socket.remoteAddress ?? "");
    if (reached !== null && addresses.includes(reached) && policy.permits(reached, port)) {
      return inSmallHeadReads(socket);
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

function pinned(options: buildConnector.Options, host: string, address: string): buildConnector.Options {
  // The certificate is checked against the name, not against the address that was dialled.
  return { ...options, hostname: address, ...(isIP(host) === 0 ? { servername: host } : {}) };
}

import { Resolver } from "node:dns/promises";

export interface DnsRecord {
  address: string;
  /** Seconds. */
  ttl: number;
}
/** What a name server says; rejects with a `code` as node:dns does. */
export interface DnsQueries {
  resolve4(host: string): Promise<DnsRecord[]>;
  resolve6(host: string): Promise<DnsRecord[]>;
}

/** NXDOMAIN, no data, and names that cannot be asked for. */
export const notFoundCodes = new Set(["ENOTFOUND", "ENODATA", "EBADNAME"]);

/**
 * Node's c-ares goes on to the next server when one is silent, but takes SERVFAIL and REFUSED for an answer; so each
 * server has a resolver of its own here. The one that answered last is asked first.
 */
export function systemQueries(servers: readonly string[]): DnsQueries {
  const addresses = servers.length > 0 ? servers : new Resolver().getServers();
  const resolvers = addresses.map((address) => {
    const resolver = new Resolver({ timeout: 2000, tries: addresses.length > 1 ? 1 : 2 });
    resolver.setServers([address]);
    return resolver;
  });
  let first = 0;
  async function ask(query: (resolver: Resolver) => Promise<DnsRecord[]>): Promise<DnsRecord[]> {
    let failure: unknown = Object.assign(new Error("no name server"), { code: "ENOSERVER" });
    const start = first;
    for (let i = 0; i < resolvers.length; i++) {
      const at = (start + i) % resolvers.length;
      try {
        const records = await query(resolvers[at]!);
        first = at;
        return records;
      } catch (error) {
        if (notFoundCodes.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
        failure = error;
      }
    }
    throw failure;
  }
  return {
    resolve4: (host) => ask((resolver) => resolver.resolve4(host, { ttl: true })),
    resolve6: (host) => ask((resolver) => resolver.resolve6(host, { ttl: true })),
  };
}

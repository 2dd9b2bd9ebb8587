import { readFile } from "node:fs/promises";
import { BoundedCache } from "../boundedCache.js";
import { canonicalAddress } from "../address/addressPolicy.js";
import { Turnstile } from "../clock/turnstile.js";
import { parseHostsFile } from "./parseHostsFile.js";
import { notFoundCodes, systemQueries, type DnsQueries, type DnsRecord } from "./systemQueries.js";

export type { DnsQueries } from "./systemQueries.js";

export type Resolution =
  | { ok: true; addresses: string[] }
  | { ok: false; reason: "dns_not_found" | "dns_failed"; errorMessage: string };

export interface NameResolver {
  /** All addresses of a host, IPv4 first; a literal resolves to itself. Never rejects. */
  resolve(host: string): Promise<Resolution>;
}

export interface NameResolverOptions {
  /** Name servers ("9.9.9.9", "[2620:fe::fe]:53"); by default the system's. */
  servers?: readonly string[];
  /** Names kept in the cache. */
  maxNames?: number;
  /** Names asked for at once: a name server that gets thousands of questions in one moment drops most of them. */
  maxLookups?: number;
  /** The longest a name server is waited for. */
  deadlineMs?: number;
  queries?: DnsQueries;
  hostsFile?: string;
  nowMs?: () => number;
}

const minTtlMs = 30_000;
const maxTtlMs = 3_600_000;
const notFoundTtlMs = 300_000;
const failedTtlMs = 15_000;
/** How long an AAAA answer is waited for once the A answer is there (RFC 8305 §3 calls it the resolution delay). */
const resolutionDelayMs = 250;

/**
 * Names to addresses by c-ares (no thread of libuv's pool is held), the hosts file first. Answers are cached for their
 * TTL, failures briefly; many that ask for one name at once cause one query of each family. Names that RFC 6761
 * reserves are answered here: localhost is loopback, .invalid and .onion do not exist.
 */
export function nameResolver(options: NameResolverOptions = {}): NameResolver {
  const cache = new BoundedCache<Resolution>(options.maxNames ?? 100_000, options.nowMs);
  let hosts: Promise<Map<string, string[]>> | null = null;
  const queries = options.queries ?? systemQueries(options.servers ?? []);
  const lookups = new Turnstile(options.maxLookups ?? 256);
  const lookUp = async (name: string): Promise<Looked> => {
    await lookups.enter();
    try {
      return await ask(queries, name, options.deadlineMs ?? 6000);
    } finally {
      lookups.leave();
    }
  };
  return {
    async resolve(host) {
      const literal = canonicalAddress(host);
      if (literal !== null) return { ok: true, addresses: [literal] };
      const name = host.toLowerCase();
      const reserved = reservedName(name);
      if (reserved !== null) return reserved;
      hosts ??= readHostsFile(options.hostsFile ?? "/etc/hosts");
      const listed = (await hosts).get(name);
      if (listed !== undefined) return { ok: true, addresses: listed };
      return cache.load(name, () => lookUp(name));
    },
  };
}

function reservedName(name: string): Resolution | null {
  if (name === "localhost" || name.endsWith(".localhost")) {
    return { ok: true, addresses: ["127.0.0.1", "::1"] };
  }
  const labels = name.split(".");
  const last = labels.at(-1);
  if (last === "invalid" || last === "onion") return notFound(`.${last} names do not exist (RFC 6761)`);
  if (name.length > 253 || labels.some((label) => label === "" || label.length > 63)) {
    return notFound("not a host name");
  }
  return null;
}

interface Looked {
  value: Resolution;
  ttlMs: number;
}

async function ask(queries: DnsQueries, name: string, deadlineMs: number): Promise<Looked> {
  const late: Answer = { records: [], code: "ETIMEOUT" };
  const six = within(settle(queries.resolve6(name)), deadlineMs, late);
  const four = await within(settle(queries.resolve4(name)), deadlineMs, late);
  // NXDOMAIN speaks of the name, whatever was asked; that of an AAAA query isn't trusted (RFC 4074 §4.2).
  if (four.code === "ENOTFOUND") return { value: notFound("the name does not exist"), ttlMs: notFoundTtlMs };
  const found = four.records.length > 0;
  const both = [four, found ? await within(six, resolutionDelayMs, { records: [], code: null }) : await six];
  const records = both.flatMap((answer) => answer.records);
  if (records.length > 0) {
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl * 1000));
    const addresses = [...new Set(records.map(({ address }) => address))];
    return { value: { ok: true, addresses }, ttlMs: Math.min(Math.max(ttlMs, minTtlMs), maxTtlMs) };
  }
  if (both.every(({ code }) => code === null || notFoundCodes.has(code))) {
    return { value: notFound("the name has no address"), ttlMs: notFoundTtlMs };
  }
  const code = both.find((answer) => answer.code !== null && !notFoundCodes.has(answer.code))?.code;
  const errorMessage = `name server: ${code ?? "no answer"}`;
  return { value: { ok: false, reason: "dns_failed", errorMessage }, ttlMs: failedTtlMs };
}

interface Answer {
  records: DnsRecord[];
  code: string | null;
}

async function settle(query: Promise<DnsRecord[]>): Promise<Answer> {
  try {
    return { records: await query, code: null };
  } catch (error) {
    return { records: [], code: (error as NodeJS.ErrnoException).code ?? "unknown" };
  }
}

async function within(answer: Promise<Answer>, ms: number, otherwise: Answer): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Answer>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function readHostsFile(path: string): Promise<Map<string, string[]>> {
  try {
    return parseHostsFile(await readFile(path, "utf8"));
  } catch {
    return new Map();
  }
}

function notFound(errorMessage: string): Resolution {
  return { ok: false, reason: "dns_not_found", errorMessage };
}

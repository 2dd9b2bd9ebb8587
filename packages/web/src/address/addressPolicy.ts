import { UserError } from "@pairloom/config/errors";
import ipaddr from "ipaddr.js";

/** What an address may be used for: reached like any public one, reached because the operator listed it, or not at all. */
export type AddressVerdict = "public" | "allowed_private" | "refused";

export interface AddressPolicy {
  /** @param address IPv4 or IPv6 in text form, without brackets; an IPv6 zone ("%eth0") is refused. */
  verdict(address: string): AddressVerdict;
  /** May this port of this address be asked? Addresses the operator listed may be asked at any port. */
  permits(address: string, port: number): boolean;
}

/**
 * IPv4 addresses carried inside an IPv6 address are judged as what they carry (::ffff:a.b.c.d, and NAT64's
 * well-known 64:ff9b::/96, RFC 6052); 6to4 and Teredo are refused whole, since what they reach is a relay's choice.
 */
function carriedIpv4(address: ipaddr.IPv6): ipaddr.IPv4 | null {
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  const [a, b, c, d, e, f, g = 0, h = 0] = address.parts;
  if (a === 0x64 && b === 0xff9b && c === 0 && d === 0 && e === 0 && f === 0) {
    return new ipaddr.IPv4([g >> 8, g & 255, h >> 8, h & 255]);
  }
  return null;
}

/** Globally routed unicast by the IANA special-purpose registries (RFC 6890 and what came after). */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== "unicast") return false;
  if (address instanceof ipaddr.IPv4) return true;
  return ((address.parts[0] ?? 0) & 0xe000) === 0x2000; // 2000::/3, the only part of IPv6 given out so far
}

/** The canonical text of an address ("127.0.0.1" for "::ffff:7f00:1"), or null where it is none. */
export function canonicalAddress(text: string): string | null {
  const address = parse(text);
  return address === null ? null : address.toString();
}

function parse(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  // A zone names an interface of ours; "::127.0.0.1" (IPv4-compatible, RFC 4291 §2.5.5.1) is not "::ffff:127.0.0.1".
  if (text.includes("%") || /^::\d+\./.test(text)) return null;
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (!ipaddr.IPv6.isValid(text)) return null;
  const address = ipaddr.IPv6.parse(text);
  return carriedIpv4(address) ?? address;
}

/**
 * @param allowPrivate address blocks ("127.0.0.0/8", "::1/128") that may be reached although they are special
 * @param allowedPorts the ports of public addresses that may be asked
 * @throws UserError "address_block_invalid"
 */
export function addressPolicy(
  allowPrivate: readonly string[],
  allowedPorts: readonly number[],
): AddressPolicy {
  const blocks = allowPrivate.map(parseBlock);
  const ports = new Set(allowedPorts);
  const verdict = (text: string): AddressVerdict => {
    const address = parse(text);
    if (address === null) return "refused";
    const listed = blocks.some((block) => block[0].kind() === address.kind() && address.match(block));
    if (listed) return "allowed_private";
    return isPublic(address) ? "public" : "refused";
  };
  return {
    verdict,
    permits(text, port) {
      const said = verdict(text);
      return said === "allowed_private" || (said === "public" && ports.has(port));
    },
  };
}

function parseBlock(block: string): [ipaddr.IPv4, number] | [ipaddr.IPv6, number] {
  try {
    return ipaddr.parseCIDR(block) as [ipaddr.IPv4, number] | [ipaddr.IPv6, number];
  } catch (cause) {
    throw new UserError("address_block_invalid", `"${block}" is no address block`, {
      hint: 'Write blocks as "127.0.0.0/8" or "::1/128".',
      cause,
    });
  }
}

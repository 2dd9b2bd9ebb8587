import { canonicalAddress } from "../address/addressPolicy.js";

/** hosts(5): name (lower case) → addresses, IPv4 before IPv6, otherwise in the file's order. */
export function parseHostsFile(text: string): Map<string, string[]> {
  const hosts = new Map<string, string[]>();
  for (const line of text.split(/\r?\n/)) {
    const [address, ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const canonical = canonicalAddress(address ?? "");
    if (canonical === null) continue;
    for (const name of names) {
      const addresses = hosts.get(name.toLowerCase()) ?? [];
      if (!addresses.includes(canonical)) addresses.push(canonical);
      hosts.set(
        name.toLowerCase(),
        addresses.toSorted((a, b) => Number(a.includes(":")) - Number(b.includes(":"))),
      );
    }
  }
  return hosts;
}

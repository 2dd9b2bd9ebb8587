/** What the hosts of the demo web are like. Host number n is 127.0.0.n. */
export interface DemoHost {
  /** Last byte of the address. */
  number: number;
  name: string;
  role: "portal" | "site" | "cdn" | "mirror" | "calm" | "sealed" | "reserved" | "shaky" | "slow" | "artists";
  /** What robots.txt answers. */
  robots: "rules" | "missing" | "error" | "crawl-delay";
  /** Stated by its pages, or null. */
  licence: string | null;
}

const host = (
  number: number,
  name: string,
  role: DemoHost["role"],
  robots: DemoHost["robots"] = "rules",
  licence: string | null = null,
): DemoHost => ({ number, name, role, robots, licence });

const cc0 = "https://creativecommons.org/publicdomain/zero/1.0/";
const ccBy = "https://creativecommons.org/licenses/by/4.0/";

export const demoHosts: readonly DemoHost[] = [
  host(1, "Portal", "portal"),
  host(2, "Atlas of Forms", "site", "rules", ccBy),
  host(3, "Open Gallery", "site", "rules", cc0),
  host(4, "Stock Room", "site"),
  host(5, "Town Museum", "site", "rules", cc0),
  host(6, "A Maker's Blog", "site", "missing"),
  host(7, "Cut-out Shop", "site"),
  host(8, "Pattern Wiki", "site", "rules", ccBy),
  host(9, "Drawing Forum", "site"),
  host(10, "Plates Magazine", "site"),
  host(11, "Image Depot", "cdn", "missing"),
  host(12, "Mirror", "mirror"),
  host(13, "The Calm Page", "calm", "crawl-delay"),
  host(14, "Sealed Archive", "sealed", "error"),
  host(15, "Reserved Rights", "reserved"),
  host(16, "Shaky Server", "shaky"),
  host(17, "Slow Server", "slow"),
  host(18, "Artists' Circle", "artists"),
];

/** An address of this machine on which nothing listens. */
export const deadHostNumber = 250;

export function hostsOfRole(role: DemoHost["role"]): DemoHost[] {
  return demoHosts.filter((host) => host.role === role);
}

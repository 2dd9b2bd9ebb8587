import { canonicalUrl } from "@pairloom/web";
import { chosenAddress } from "./shownAddresses.js";
import type { ImageAddresses } from "./imageAddresses.js";
import { isKnownPlaceholder } from "./knownPlaceholder.js";

/** An image of the page, and the picture that a link around it leads to. */
export interface PageImage {
  addresses: ImageAddresses;
  linked: string | null;
}

/**
 * Tells the placeholders of a page: what is one by its name, and what several images show though they name different
 * pictures elsewhere.
 */
export class SharedPlaceholders {
  readonly #shared = new Set<string>();

  constructor(
    private readonly baseUrl: string,
    images: Iterable<PageImage>,
  ) {
    const groups = new Map<string, { images: number; naming: number; others: Set<string> }>();
    for (const { addresses, linked } of images) {
      const key = this.#keyOf(addresses.shown ?? "");
      if (key === null) continue;
      const group = groups.get(key) ?? { images: 0, naming: 0, others: new Set() };
      groups.set(key, group);
      group.images++;
      const other =
        linked ?? chosenAddress({ ...addresses, shown: null }, (address) => this.#keyOf(address) === key);
      const otherKey = other === null ? null : this.#keyOf(other);
      if (otherKey === null || otherKey === key) continue;
      group.naming++;
      group.others.add(otherKey);
    }
    for (const [key, { images: count, naming, others }] of groups) {
      if (others.size > 1 && naming * 2 >= count) this.#shared.add(key);
    }
  }

  /** @param address as written on the page, or absolute */
  has(address: string): boolean {
    const url = parse(address, this.baseUrl);
    return url !== null && (isKnownPlaceholder(url) || this.#shared.has(canonicalUrl(url.href)));
  }

  #keyOf(address: string): string | null {
    const url = parse(address, this.baseUrl);
    return url === null ? null : canonicalUrl(url.href);
  }
}

function parse(address: string, base: string): URL | null {
  const url = URL.canParse(address, base) ? new URL(address, base) : null;
  return url !== null && /^https?:$/.test(url.protocol) && address.trim() !== "" ? url : null;
}

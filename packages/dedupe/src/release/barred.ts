import type { DedupeSettings, Reason } from "@pairloom/config";
import { HammingIndex } from "../hammingIndex.js";
import type { Fetched, Spoken } from "./picture.js";

/** What an operator bars from a release. */
export interface BarList {
  /** Hex sha256 of fetched bytes. */
  sha256?: Iterable<string>;
  /** PDQ hashes: everything within the radius is barred. */
  pdq?: Iterable<string>;
  /** Hosts of images or pages, their subdomains included. */
  domains?: Iterable<string>;
  /** URLs of images or pages. */
  urls?: Iterable<string>;
}

/** A list of abuse imagery or take-downs (`blocklisted`), or of evaluation pictures (`contaminated`), made ready. */
export class Barred {
  private readonly sha256: Set<string>;
  private readonly index: HammingIndex | null;
  private readonly domains: Set<string>;
  private readonly urls: Set<string>;

  constructor(
    list: BarList,
    readonly reason: Extract<Reason, "blocklisted" | "contaminated">,
    private readonly settings: Pick<DedupeSettings, "radius" | "minQuality">,
  ) {
    const lower = (value: string): string => value.trim().toLowerCase();
    this.sha256 = new Set([...(list.sha256 ?? [])].map(lower));
    this.domains = new Set([...(list.domains ?? [])].map((domain) => lower(domain).replace(/^\.|\.$/g, "")));
    this.urls = new Set([...(list.urls ?? [])].map(withoutFragment));
    const hashes = [...(list.pdq ?? [])];
    this.index = hashes.length > 0 ? new HammingIndex() : null;
    for (const hash of hashes) this.index?.add(lower(hash));
  }

  /** Whether the row is barred for where it was found. */
  barsRow({ imageUrl, canonicalUrl, pageUrl }: Spoken): boolean {
    if (this.urls.size === 0 && this.domains.size === 0) return false;
    return [imageUrl, canonicalUrl, pageUrl].some(
      (url) => url !== null && (this.urls.has(withoutFragment(url)) || this.barsHost(url)),
    );
  }

  /** Whether the picture itself is barred. */
  barsPicture({ sha256, pdq, pdqQuality }: Fetched): boolean {
    if (this.sha256.has(sha256)) return true;
    if (!this.index || pdq === null || (pdqQuality ?? 0) <= this.settings.minQuality) return false;
    return this.index.nearest(pdq, this.settings.radius) !== null;
  }

  private barsHost(url: string): boolean {
    if (this.domains.size === 0 || !URL.canParse(url)) return false;
    const labels = new URL(url).hostname.replace(/\.$/, "").split(".");
    return labels.some((_, i) => this.domains.has(labels.slice(i).join(".")));
  }
}

export function withoutFragment(url: string): string {
  const hash = url.indexOf("#");
  return hash < 0 ? url : url.slice(0, hash);
}

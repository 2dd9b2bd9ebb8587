import type { Element } from "domhandler";
import { namesImageFile } from "./namesImageFile.js";

const creativeCommons = /^https?:\/\/(www\.)?creativecommons\.org\/(licenses|publicdomain)\//i;

/** Gathers where a page leads: links, frames, the licence it names. */
export class LinkCollector {
  readonly #links = new Set<string>();
  readonly #frames = new Set<string>();
  /** Pages say the same address many times. */
  readonly #resolved = new Map<string, URL | null>();
  #statedLicence: string | null = null;
  #seenLicence: string | null = null;
  readonly skipped: Record<string, number> = {};

  /** @param obeyNofollow leave out links that say rel=nofollow */
  constructor(
    private readonly baseUrl: string,
    private readonly pageUrl: string,
    private readonly maxLinks: number,
    private readonly obeyNofollow: boolean,
  ) {}

  get links(): string[] {
    return [...this.#links];
  }

  get frames(): string[] {
    return [...this.#frames];
  }

  /** rel=license rules over a mere mention of a Creative Commons deed. */
  get licence(): string | null {
    return this.#statedLicence ?? this.#seenLicence;
  }

  /** The picture that a link leads to, absolute; null where it leads elsewhere. */
  image(link: Element): string | null {
    const url = this.#resolve(link.attribs.href);
    return url !== null && namesImageFile(url) ? url.href : null;
  }

  /** Takes an a or area. */
  add(link: Element): void {
    const url = this.#resolve(link.attribs.href);
    if (url === null) return;
    const rel = (link.attribs.rel ?? "").toLowerCase().split(/\s+/);
    if (rel.includes("license")) this.#statedLicence ??= url.href;
    if (creativeCommons.test(url.href)) this.#seenLicence ??= url.href;
    if (this.obeyNofollow && rel.includes("nofollow")) this.#skip("nofollow_links");
    else if (this.#links.size >= this.maxLinks) this.#skip("too_many_links");
    else this.#links.add(url.href);
  }

  /** Takes a link element in the head that names the licence. */
  addLicence(href: string | undefined): void {
    this.#statedLicence ??= this.#resolve(href)?.href ?? null;
  }

  addFrame(frame: Element): void {
    const url = this.#resolve(frame.attribs.src ?? frame.attribs["data-src"]);
    if (url !== null && this.#frames.size < 200) this.#frames.add(url.href);
  }

  /** "3; url=next.html": the page sends its reader on. */
  addRefresh(content: string | undefined): void {
    const target = /^\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?["']?\s*([^"']+)/i.exec(content ?? "")?.[1];
    const url = this.#resolve(target?.trim());
    if (url !== null && this.#links.size < this.maxLinks) this.#links.add(url.href);
  }

  #resolve(href: string | undefined): URL | null {
    const written = href?.trim() ?? "";
    if (written === "" || written.startsWith("#")) return null;
    let url = this.#resolved.get(written);
    if (url === undefined) this.#resolved.set(written, (url = this.#parse(written)));
    return url;
  }

  /** Absolute, http(s), without fragment; null for anything else and for a place on the page itself. */
  #parse(written: string): URL | null {
    let url: URL;
    try {
      url = new URL(written, this.baseUrl);
    } catch {
      this.#skip("bad_links");
      return null;
    }
    if (url.protocol !== "http:" && url.protocol !== "https:") return null;
    if (url.href.includes("#")) url.hash = "";
    return url.href.length > 8192 || url.href === this.pageUrl ? null : url;
  }

  #skip(why: string): void {
    this.skipped[why] = (this.skipped[why] ?? 0) + 1;
  }
}

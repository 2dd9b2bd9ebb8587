import type { Candidate, Reason } from "@pairloom/config";
import { defaultOptOutDirectives, mediaType, type Headers } from "@pairloom/web";
import type { Element } from "domhandler";
import { canonicalAddress } from "./canonicalAddress.js";
import { CandidateCollector } from "./candidateCollector.js";
import { decodeHtml } from "./decodeHtml.js";
import { ancestor, elementText } from "./elementText.js";
import { headImages } from "./headImages.js";
import type { ImageAddresses } from "./imageAddresses.js";
import { imageTexts } from "./imageTexts.js";
import { isTrackingPixel } from "./isTrackingPixel.js";
import { isNoAddress } from "./knownPlaceholder.js";
import { jsonLdImages } from "./jsonLdImages.js";
import { LinkCollector } from "./linkCollector.js";
import { pageOptOuts } from "./pageOptOuts.js";
import { parseHtml } from "./parseHtml.js";
import { readPage } from "./readPage.js";
import { SharedPlaceholders, type PageImage } from "./sharedPlaceholders.js";
import { chosenAddress, shownAddresses } from "./shownAddresses.js";

export interface ExtractInput {
  html: Uint8Array | string;
  /** Where the page came from (after redirects). */
  url: string;
  /** Content-Type, with or without its charset; the header's charset is taken where this one has none. */
  contentType?: string | null;
  headers?: Headers;
  /** Name of the source that led here. */
  source: string;
  query?: string | null;
  /** Tokens that meta robots and X-Robots-Tag may address us by. */
  agentTokens?: readonly string[];
  obeyOptOuts?: boolean;
  ignoreOptOuts?: readonly Reason[];
  optOutDirectives?: readonly string[];
  /** Opt-outs known already, e.g. from the site's files (`WebOk.optOuts`). */
  optOuts?: readonly Reason[];
  /** Bytes (or characters) read at most. */
  maxBytes?: number;
  maxImages?: number;
  maxLinks?: number;
}

export interface Extracted {
  /** In document order, the head's images first. */
  candidates: Candidate[];
  /** Pages that the page links to: absolute, http(s), without fragment, once each, in document order. */
  links: string[];
  /** Frames and inline frames, to be read as pages of their own. */
  frames: string[];
  /** The address that the page calls its own (rel=canonical), absolute. */
  canonical: string | null;
  title: string | null;
  language: string | null;
  licence: string | null;
  encoding: string;
  optOuts: Reason[];
  /** What was left out, by why: no_text, data_uri, tracking_pixel, … */
  skipped: Record<string, number>;
}

const defaultMaxBytes = 8_000_000;

/**
 * Finds the images of a page and every text that describes them. Pure; takes any bytes; time and memory are linear in
 * the page's size.
 */
export function extractCandidates(input: ExtractInput): Extracted {
  const { maxBytes = defaultMaxBytes, headers = {} } = input;
  const { html, encoding, cut } = decoded(input, maxBytes);
  const { $, document } = parseHtml(html);
  const page = readPage(document);

  const policy = {
    agents: new Set((input.agentTokens ?? ["pairloom"]).map((token) => token.toLowerCase())),
    directives: new Set(input.optOutDirectives ?? defaultOptOutDirectives),
    ignored: new Set(input.ignoreOptOuts ?? []),
  };
  const obey = input.obeyOptOuts ?? true;
  const said = pageOptOuts(page.meta, headers, policy);
  const optOuts = obey ? [...new Set([...said.reasons, ...(input.optOuts ?? [])])].sort() : [];

  const base = baseUrl(page.baseHref, input.url);
  const links = new LinkCollector(base, input.url, input.maxLinks ?? 20_000, obey);
  const context = { byId: page.byId, imagesIn: (element: Element) => page.imageCounts.get(element) ?? 0 };
  const shown = new Map<Element, PageImage>();
  for (const element of page.elements) {
    const addresses = shownAddresses(element, context.imagesIn);
    if (addresses === null) continue;
    const link = ancestor(element, 4, ({ name }) => name === "a");
    shown.set(element, { addresses, linked: link === null ? null : links.image(link) });
  }
  const placeholders = new SharedPlaceholders(base, shown.values());
  const images = new CandidateCollector(base, input.maxImages ?? 10_000, placeholders);
  if (cut) images.skip("cut_page");

  const root = page.html === null ? null : $(page.html);
  const language =
    languageTag(root?.attr("lang") ?? root?.attr("xml:lang")) ??
    languageTag(page.meta.find(({ name }) => name === "content-language")?.content) ??
    languageTag([headers["content-language"]].flat()[0]);
  const title = page.title === null ? null : elementText(page.title, 500) || null;

  for (const { address, texts } of headImages(page.meta)) images.add(address, texts);
  for (const script of page.jsonLd) {
    const source = script.children.map((node) => ("data" in node ? node.data : "")).join("");
    const { images: found, broken } = jsonLdImages(source);
    if (broken) images.skip("broken_jsonld");
    for (const { address, texts, licence } of found) images.add(address, texts, { licence });
  }

  for (const element of page.elements) {
    const full = element.name === "a" ? links.image(element) : null;
    if (element.name === "a" || element.name === "area") {
      // A link to a picture with no picture inside: its words are all that is said.
      if (full !== null && context.imagesIn(element) === 0) {
        const text = elementText(element);
        images.add(full, [
          ...(text === "" ? [] : [{ kind: "anchor" as const, text }]),
          ...(element.attribs.title === undefined
            ? []
            : [{ kind: "title" as const, text: element.attribs.title }]),
        ]);
      } else if (full === null) links.add(element);
      continue;
    }
    if (element.name === "link") {
      links.addLicence(element.attribs.href);
      continue;
    }
    if (element.name === "iframe" || element.name === "frame") {
      links.addFrame(element);
      continue;
    }
    const image = shown.get(element);
    if (image === undefined) continue;
    const { addresses, linked } = image;
    const address = linked ?? chosenAddress(addresses, (written) => placeholders.has(written)) ?? "";
    if (isTrackingPixel(element) && !standsIn(address, addresses, placeholders)) {
      images.skip("tracking_pixel");
      continue;
    }
    images.add(address, imageTexts(element, context), { language: languageOf(element) });
  }
  links.addRefresh(page.meta.find(({ name }) => name === "refresh")?.content);

  const licence = links.licence ?? null;
  const candidates = images.candidates(
    {
      pageUrl: withoutHash(input.url),
      query: input.query ?? null,
      source: input.source,
      licence,
      language,
      optOuts,
    },
    title,
  );
  const follow = obey && said.nofollow ? [] : links.links;
  if (follow.length < links.links.length) images.skip("nofollow_page", links.links.length);
  for (const [why, count] of Object.entries(links.skipped)) images.skip(why, count);
  const { skipped } = images;
  return {
    candidates,
    links: follow,
    frames: links.frames,
    canonical: canonicalAddress(page.canonicals, base, headers, input.url),
    title,
    language,
    licence,
    encoding,
    optOuts,
    skipped,
  };
}

/** Lazy loaders write width and height of 1 on what stands there before the picture. */
function standsIn(address: string, { shown }: ImageAddresses, placeholders: SharedPlaceholders): boolean {
  const isFilledLater = shown === null || isNoAddress(shown.trim()) || placeholders.has(shown);
  return isFilledLater && !isNoAddress(address.trim()) && !placeholders.has(address);
}

function decoded(input: ExtractInput, maxBytes: number): { html: string; encoding: string; cut: boolean } {
  if (typeof input.html === "string") {
    return { html: input.html.slice(0, maxBytes), encoding: "utf-8", cut: input.html.length > maxBytes };
  }
  const charset =
    mediaType(input.contentType ?? undefined)[1] ?? mediaType(input.headers?.["content-type"])[1];
  return {
    ...decodeHtml(input.html.subarray(0, maxBytes), charset),
    cut: input.html.byteLength > maxBytes,
  };
}

function languageOf(element: Element): string | null {
  const owner = ancestor(element, 30, ({ name, attribs }) => name !== "html" && attribs.lang !== undefined);
  return languageTag(element.attribs.lang ?? owner?.attribs.lang);
}

function languageTag(text: string | undefined): string | null {
  const tag = text?.split(",")[0]?.trim().replace(/_/g, "-") ?? "";
  return /^[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*$/.test(tag) ? tag : null;
}

/** WHATWG HTML, "set the frozen base URL": a base that can't be one leaves the page's own address. */
function baseUrl(href: string | null, url: string): string {
  if (href === null || !URL.canParse(href, url)) return url;
  const base = new URL(href, url);
  return base.protocol === "data:" || base.protocol === "javascript:" ? url : base.href;
}

function withoutHash(url: string): string {
  const at = url.indexOf("#");
  return at < 0 ? url : url.slice(0, at);
}

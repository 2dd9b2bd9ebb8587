import type { Candidate } from "@pairloom/config";
import { Parser } from "htmlparser2";
import { parseHttpUrl } from "../parseHttpUrl.js";
import { sitemapText } from "./sitemapText.js";

export interface SitemapOptions {
  /** Name of the source for the candidates. */
  source: string;
  /** Of the answer's Content-Type. */
  charset?: string | null;
  /** The protocol allows 50,000. */
  maxEntries?: number;
  /** Bytes after gunzip; the protocol allows 50 MiB. What lies beyond is not read. */
  maxBytes?: number;
}

/** What a sitemap says. Never throws: what can't be read is counted in `skipped`. */
export interface Sitemap {
  kind: "index" | "pages" | "text" | "unknown";
  /** Further sitemaps, of an index. */
  sitemaps: string[];
  pages: string[];
  /** Images with a caption or title (Google's image extension). */
  candidates: Candidate[];
  /** By name: "url_invalid", "image_without_text", "over_limit", "bytes_over_limit", "gzip_broken". */
  skipped: Record<string, number>;
}

/**
 * Reads a sitemap, a sitemap index (sitemaps.org 0.9) or a text sitemap, gzipped or not; image entries included.
 * @param url where it was found: relative URLs, against the protocol, are resolved
 */
export function parseSitemap(body: Uint8Array, url: string, options: SitemapOptions): Sitemap {
  const { source, charset = null, maxEntries = 50_000, maxBytes = 50 * 2 ** 20 } = options;
  const sitemap: Sitemap = { kind: "unknown", sitemaps: [], pages: [], candidates: [], skipped: {} };
  const skip = (name: string, count = 1) => (sitemap.skipped[name] = (sitemap.skipped[name] ?? 0) + count);
  const text = sitemapText(body, charset, maxBytes, skip);
  const add = (list: string[], found: string): string | null => {
    const absolute = parseHttpUrl(found, url);
    if (absolute === null) skip("url_invalid");
    else if (sitemap.sitemaps.length + sitemap.pages.length >= maxEntries) skip("over_limit");
    else list.push(absolute);
    return absolute;
  };

  if (!/^\s*</.test(text)) {
    const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
    if (!lines.some((line) => /^\s*https?:\/\//i.test(line))) return sitemap;
    sitemap.kind = "text";
    for (const line of lines) add(sitemap.pages, line);
    return sitemap;
  }

  readEntries(text, {
    onRoot: (kind) => (sitemap.kind = kind),
    onEntry: (entry) => {
      if (entry.loc === "" && entry.images.length === 0) return;
      const page =
        entry.loc === "" ? null : add(entry.isSitemap ? sitemap.sitemaps : sitemap.pages, entry.loc);
      for (const image of entry.images) {
        const imageUrl = parseHttpUrl(image.loc ?? "", url);
        const texts = [...new Set([image.caption, image.title].map(clean).filter((found) => found !== ""))];
        if (!image.loc || imageUrl === null) skip("url_invalid");
        else if (texts.length === 0) skip("image_without_text");
        else if (sitemap.candidates.length >= maxEntries) skip("over_limit");
        else
          sitemap.candidates.push({
            imageUrl,
            texts: texts.map((found) => ({ kind: "sitemap", text: found })),
            pageUrl: page,
            query: null,
            source,
            licence: clean(image.license) || null,
            language: null,
            optOuts: [],
          });
      }
    },
  });
  return sitemap;
}

function clean(text: string | undefined): string {
  return (text ?? "").replace(/\s+/g, " ").trim();
}

interface Entry {
  isSitemap: boolean;
  loc: string;
  /** Fields of each image element: loc, caption, title, license. */
  images: Partial<Record<string, string>>[];
}

/** Walks the XML (or what looks like it) and gives each url, sitemap element as it ends; namespace prefixes don't matter. */
function readEntries(
  text: string,
  { onRoot, onEntry }: { onRoot: (kind: "index" | "pages") => void; onEntry: (entry: Entry) => void },
): void {
  let entry: Entry | null = null;
  let image: Partial<Record<string, string>> | null = null;
  let field: string | null = null;
  let value = "";
  const local = (name: string) => name.slice(name.indexOf(":") + 1).toLowerCase();
  const parser = new Parser(
    {
      onopentagname(name) {
        const tag = local(name);
        if (tag === "sitemapindex") onRoot("index");
        else if (tag === "urlset") onRoot("pages");
        else if (tag === "url" || tag === "sitemap")
          entry = { isSitemap: tag === "sitemap", loc: "", images: [] };
        else if (tag === "image" && entry !== null) entry.images.push((image = {}));
        else if (["loc", "caption", "title", "license"].includes(tag)) {
          field = tag;
          value = "";
        }
      },
      ontext(data) {
        if (field !== null) value += data;
      },
      onclosetag(name) {
        const tag = local(name);
        if (tag === field) {
          if (image !== null) image[tag] ??= value;
          else if (entry !== null && tag === "loc" && entry.loc === "") entry.loc = value.trim();
          field = null;
        } else if (tag === "image") image = null;
        else if ((tag === "url" || tag === "sitemap") && entry !== null) {
          const done = entry;
          [entry, image, field] = [null, null, null];
          onEntry(done);
        }
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(text);
}

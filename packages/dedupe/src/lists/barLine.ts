import type { BarEntry } from "@pairloom/config";

export interface BarLineOptions {
  /** PDQ hashes that say their quality are left out where it is this or less: they are too flat to compare. */
  minQuality: number;
  /** One spelling for URLs that name the same thing; a URL counts as written and as this says. */
  canonicalUrl: (url: string) => string;
}

const hash = /^[0-9a-f]{64}$/i;
const prefixed = /^(sha256|pdq|domain|url):\s*(.+)$/i;

/**
 * What one line of a blocklist or a list of hashes names, or what is wrong with it. A line is empty, a comment (#), an
 * object of JSON with any of `sha256`, `pdq` (and `quality`), `domain` and `url` (other fields are passed over), a list of
 * such objects (as `pairloom hash --json` prints), or text:
 *
 * - `sha256:HEX`, `pdq:HEX`, `domain:NAME`, `url:URL`;
 * - hashes of 64 hex digits, whatever else the line says (`sha256sum`'s lines, csv). Nothing tells a sha256 from a PDQ
 *   hash, so each counts as both: that the other meaning meets anything by chance is out of the question;
 * - a URL; a host name.
 */
export function barLine(line: string, options: BarLineOptions): BarEntry[] | { error: string } {
  const text = line.trim();
  if (text === "" || text.startsWith("#")) return [];
  if (text.startsWith("{") || text.startsWith("[")) return fromJson(text, options);
  const [, kind, value] = prefixed.exec(text) ?? [];
  if (kind !== undefined && value !== undefined) return entriesOf(kind.toLowerCase(), value, options);
  if (/^https?:\/\//i.test(text)) return entriesOf("url", text, options);
  const words = text.split(/[\s,;"]+/);
  const hashes = words.filter((word) => hash.test(word)).map((word) => word.toLowerCase());
  if (hashes.length > 0) {
    return hashes.flatMap((value) => [
      { kind: "sha256" as const, value },
      { kind: "pdq" as const, value },
    ]);
  }
  if (words.length === 1 && text.includes(".")) return entriesOf("domain", text, options);
  return { error: "expected a hash of 64 hex digits, a URL, a host name or JSON" };
}

function fromJson(text: string, options: BarLineOptions): BarEntry[] | { error: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { error: "it is not JSON" };
  }
  const entries: BarEntry[] = [];
  for (const object of Array.isArray(value) ? (value as unknown[]) : [value]) {
    const found = fromObject(object, options);
    if ("error" in found) return found;
    entries.push(...found);
  }
  return entries;
}

function fromObject(object: unknown, options: BarLineOptions): BarEntry[] | { error: string } {
  const fields = object !== null && typeof object === "object" ? (object as Record<string, unknown>) : {};
  const known = (["sha256", "pdq", "domain", "url"] as const).filter((kind) => kind in fields);
  if (known.length === 0) return { error: "expected an object with sha256, pdq, domain or url" };
  const { quality } = fields;
  const isFlat = typeof quality === "number" && quality <= options.minQuality;
  const entries: BarEntry[] = [];
  for (const kind of known) {
    const value = fields[kind];
    if (value === null || (kind === "pdq" && isFlat)) continue;
    if (typeof value !== "string") return { error: `expected ${kind} to be a string` };
    const found = entriesOf(kind, value, options);
    if ("error" in found) return found;
    entries.push(...found);
  }
  return entries;
}

function entriesOf(
  kind: string,
  text: string,
  { canonicalUrl }: BarLineOptions,
): BarEntry[] | { error: string } {
  const value = text.trim();
  switch (kind) {
    case "sha256":
    case "pdq":
      if (!hash.test(value)) return { error: `expected ${kind} to have 64 hex digits` };
      return [{ kind, value: value.toLowerCase() }];
    case "domain": {
      const host = hostOf(value);
      return host === null ? { error: `${value} is no host name` } : [{ kind, value: host }];
    }
    default: {
      if (!/^https?:\/\//i.test(value) || !URL.canParse(value))
        return { error: `${value} is no http(s) URL` };
      const spellings = new Set([value.split("#", 1)[0]!, canonicalUrl(value)]);
      return [...spellings].map((url) => ({ kind: "url", value: url }));
    }
  }
}

/** A host in lower case and punycode, "*." and dots at its ends taken off. */
function hostOf(text: string): string | null {
  const name = text.replace(/^\*?\./, "").replace(/\.$/, "");
  if (/[/:@?#\s\\]/.test(name) || !URL.canParse(`http://${name}`)) return null;
  return new URL(`http://${name}`).hostname;
}

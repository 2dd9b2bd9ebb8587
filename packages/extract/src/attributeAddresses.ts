import { isObject } from "@pairloom/config/isObject";
import type { Element } from "domhandler";
import { isKnownPlaceholder, isNoAddress } from "./knownPlaceholder.js";
import { namesImageFile } from "./namesImageFile.js";
import { parseSrcset, type SrcsetCandidate } from "./srcset.js";

/** The image addresses that an element's attributes hold beside `src`, as written, by what their names promise. */
export interface AttributeAddresses {
  /** The whole picture of which the element shows a smaller one. */
  full: string[];
  /** Candidates of srcset and of what stands in for it. */
  sets: SrcsetCandidate[];
  /** What a script loads in place of src. */
  lazy: string[];
  /** Anything else; worth a look where src shows nothing. */
  other: string[];
}

/** Attributes whose value is something else, or an address of something else. */
const plain =
  /^(src|href|xlink:href|alt|title|class|id|style|sizes|width|height|name|value|type|rel|role|lang|loading|decoding|usemap|longdesc|cite|action|download|content|ping|target)$|^(on|aria-|item|v-|x-|:|@|\[|\(|\*|#)/;
/** Data attributes that name files, texts or pages, or pictures that stand for another state. */
const elsewhere =
  /(^|[-_])(file-?name|name|title|alt|caption|desc|description|label|text|credit|author|copyright|meta|id|class|type|size|sizes|width|height|ratio|count|index|position|date|time|price|link|href|page|permalink)$|(page|post|article|original|share|base|site)[-_]?ur[il]$|hover|rollover|mouse|placeholder|fallback|error|broken|default-?(img|image|$)|spinner|loading|loader|lqip|low-?(src|res)|blur|avatar|icon|logo|(^|-)(next|prev)(-|$)/;

const fullSize = /orig-?file|original-?(file|image|src)|full|large|zoom|hi-?res|high-?res|master/;
const lazyLoaded =
  /src|lazy|defer|echo|original|actual|real|(^|[-_])(image|img|photo|picture|pic|bg|background|background-?image|poster)s?([-_]|$)/;

/** Reads every attribute: a rule on names and values, since each lazy loader has names of its own. */
export function attributeAddresses(element: Element): AttributeAddresses {
  const found: AttributeAddresses = { full: [], sets: [], lazy: [], other: [] };
  for (const [written, raw] of Object.entries(element.attribs)) {
    const name = written.toLowerCase();
    const value = raw.trim();
    if (name === "srcset") found.sets.push(...usable(parseSrcset(value)));
    if (name === "srcset" || value === "" || plain.test(name) || elsewhere.test(name)) continue;
    const small = /thumb|small|tiny|mini|preview/.test(name);
    const hinted = !small && lazyLoaded.test(name);
    const list = small ? found.other : fullSize.test(name) ? found.full : hinted ? found.lazy : found.other;
    if (/^[{[]/.test(value)) {
      const address = addressInJson(value);
      if (address !== null) list.push(address);
      continue;
    }
    const address = filledIn(value, element).replace(/^url\(\s*(["']?)(.*)\1\s*\)$/s, "$2");
    const candidates = asSrcset(name, value);
    if (candidates !== null) found.sets.push(...candidates);
    else if (isImageAddress(address, hinted || list === found.full, /src\d?$/.test(name))) list.push(address);
  }
  return found;
}

/** Without data URIs, blank.gif and pieces of markup. */
function usable(candidates: readonly SrcsetCandidate[]): SrcsetCandidate[] {
  return candidates.filter(({ url }) => !isNoAddress(url) && !isKnownPlaceholder(new URL(url, "http://x/")));
}

/** The candidates of an attribute that is a srcset by its name or by its value. */
function asSrcset(name: string, value: string): SrcsetCandidate[] | null {
  const named = /set$/.test(name);
  if (!named && !/\s\d+(\.\d+)?[wx]\s*(,|$)/.test(value.slice(0, 8192))) return null;
  const candidates = usable(parseSrcset(value));
  if (candidates.length === 0) return null;
  const good = candidates.every(({ url }) => named || isImageAddress(url, true));
  return good ? candidates : null;
}

/**
 * @param hinted the attribute's name says that an image's address may stand there; without it the address itself must
 *   name an image's file
 * @param isSource the name says so for certain
 */
function isImageAddress(value: string, hinted: boolean, isSource = false): boolean {
  if (value.length > 8192 || isNoAddress(value)) return false;
  const url = new URL(value, "http://x/");
  if (!/^https?:$/.test(url.protocol) || isKnownPlaceholder(url)) return false;
  if (namesImageFile(url)) return true;
  if (!hinted || /^[\d.,]+\w{0,3}$|\.(html?|js|css|json)$/i.test(url.pathname.slice(1))) return false;
  if (/\s/.test(value)) return isSource && value.includes("/");
  return isSource ? /[./?]/.test(value) : /[/?]/.test(value);
}

/** "/a_{width}x.jpg" with the greatest of data-widths, as responsive loaders do. */
function filledIn(value: string, element: Element): string {
  if (!value.includes("{width}")) return value;
  const widths =
    element.attribs["data-widths"]
      ?.slice(0, 500)
      .match(/\d{1,5}/g)
      ?.map(Number) ?? [];
  return widths.length === 0 ? value : value.replaceAll("{width}", String(Math.max(...widths)));
}

const maxJsonCharacters = 50_000;

/** The largest of the image addresses in a JSON value; null where there are several and nothing tells them apart. */
function addressInJson(value: string): string | null {
  let json: unknown;
  try {
    json = value.length > maxJsonCharacters ? null : JSON.parse(value);
  } catch {
    return null;
  }
  const sizes = new Map<string, number>();
  const stack: [part: unknown, size: number][] = [[json, 0]];
  for (let at = 0; stack.length > 0 && at < 2000; at++) {
    const [part, size] = stack.pop()!;
    if (typeof part === "string") {
      const address = part.trim();
      if (isImageAddress(address, false)) sizes.set(address, Math.max(size, sizes.get(address) ?? 0));
    } else if (Array.isArray(part))
      stack.push(...part.slice(0, 500).map((inner): [unknown, number] => [inner, size]));
    else if (isObject(part)) {
      const own = Number(part["width"] ?? part["w"]) || size;
      for (const [key, inner] of Object.entries(part).slice(0, 500)) {
        // {"640": "a.jpg"}, and {"a.jpg": [640, 480]}
        stack.push([inner, Number(key) || own], [key, Array.isArray(inner) ? Number(inner[0]) || own : own]);
      }
    }
  }
  const [largest, next] = [...sizes].sort(([, a], [, b]) => b - a);
  return largest === undefined || largest[1] === next?.[1] ? null : largest[0];
}

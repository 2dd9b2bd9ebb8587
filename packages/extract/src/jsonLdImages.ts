import { isObject } from "@pairloom/config/isObject";
import type { DescribedText } from "@pairloom/config";

export interface JsonLdImage {
  address: string;
  texts: DescribedText[];
  licence: string | null;
}

type Json = Record<string, unknown>;
const maxNodes = 20_000;

/** Images that a page's JSON-LD (schema.org) names, with what it says of them; `broken` where it is no JSON. */
export function jsonLdImages(source: string): { images: JsonLdImage[]; broken: boolean } {
  const json = parseLoosely(source);
  if (json === undefined) return { images: [], broken: source.trim() !== "" };
  const byId = new Map<string, Json>();
  const objects: Json[] = [];
  const stack: unknown[] = [json];
  for (let nodes = 0; stack.length > 0 && nodes < maxNodes; nodes++) {
    const value = stack.pop();
    if (Array.isArray(value)) stack.push(...(value as unknown[]).slice(0, 2000).reverse());
    else if (isObject(value)) {
      objects.push(value);
      if (typeof value["@id"] === "string" && Object.keys(value).length > 1) byId.set(value["@id"], value);
      stack.push(
        ...Object.values(value)
          .filter((part) => typeof part === "object")
          .reverse(),
      );
    }
  }
  const images: JsonLdImage[] = [];
  for (const object of objects) {
    if (isImageObject(object)) {
      const address = firstString(object.contentUrl, object.url, object.thumbnailUrl, object["@id"]);
      if (address !== null) images.push({ address, texts: ownTexts(object), licence: licenceOf(object) });
      continue;
    }
    for (const key of ["image", "primaryImageOfPage", "photo", "thumbnailUrl"]) {
      for (const image of [object[key] ?? []].flat().slice(0, 100)) {
        const named = nameTexts(object);
        if (typeof image === "string") {
          if (named.length > 0) images.push({ address: image, texts: named, licence: null });
          continue;
        }
        if (!isObject(image)) continue;
        const whole = typeof image["@id"] === "string" ? (byId.get(image["@id"]) ?? image) : image;
        const address = firstString(whole.contentUrl, whole.url, isImageObject(whole) ? whole["@id"] : null);
        if (address === null) continue;
        // An ImageObject is visited by itself as well; here it gets its owner's name.
        const texts = [...ownTexts(whole), ...named];
        images.push({ address, texts, licence: licenceOf(whole) });
      }
    }
  }
  return { images: images.slice(0, 2000), broken: false };
}

function isImageObject(object: Json): boolean {
  return [object["@type"] ?? []]
    .flat()
    .some(
      (type) =>
        typeof type === "string" && /(^|[/#:])(ImageObject|Photograph|ImageObjectSnapshot)$/.test(type),
    );
}

/** A string, or the first of several, or the value of a language-tagged one. */
function firstString(...values: unknown[]): string | null {
  for (const value of values.flat()) {
    if (typeof value === "string" && value.trim() !== "") return value;
    if (isObject(value) && typeof value["@value"] === "string") return value["@value"];
    if (isObject(value) && typeof value["@id"] === "string") return value["@id"];
  }
  return null;
}

function ownTexts(object: Json): DescribedText[] {
  return describe(
    object.caption,
    object.description,
    object.name,
    object.alternateName,
    object.headline,
    object.alternativeText,
  );
}

function nameTexts(object: Json): DescribedText[] {
  return describe(object.headline, object.name, object.description);
}

function describe(...values: unknown[]): DescribedText[] {
  return values.flatMap((value): DescribedText[] => {
    const text = firstString(value);
    return text === null || /^https?:\/\/\S+$/.test(text)
      ? []
      : [{ kind: "jsonld", text: unescapeHtml(text) }];
  });
}

function licenceOf(object: Json): string | null {
  return firstString(object.license, object.acquireLicensePage);
}

/** Texts in JSON-LD are often escaped a second time. */
function unescapeHtml(text: string): string {
  const names: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };
  return text
    .replace(/<[^<>]{1,200}>/g, " ")
    .replace(
      /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi,
      (whole, dec?: string, hex?: string, name?: string) => {
        if (name !== undefined) return names[name.toLowerCase()] ?? whole;
        const code = dec === undefined ? parseInt(hex ?? "", 16) : Number(dec);
        return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : " ";
      },
    );
}

/** JSON as sites write it: comment wrappers, line breaks in strings and trailing commas are forgiven. */
function parseLoosely(source: string): unknown {
  const bare = source
    .replace(/^\s*(?:\/\/\s*)?(?:<!--|<!\[CDATA\[|\/\*\s*<!\[CDATA\[\s*\*\/)/, "")
    .replace(/(?:\/\/\s*)?(?:-->|\]\]>|\/\*\s*\]\]>\s*\*\/)\s*$/, "")
    .replace(/;\s*$/, "");
  for (const text of [bare, bare.replace(/[\u0000-\u001f]+/g, " ").replace(/,(\s*[}\]])/g, "$1")]) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      continue;
    }
  }
  return undefined;
}

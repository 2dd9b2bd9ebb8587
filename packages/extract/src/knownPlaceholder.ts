/** Addresses that show nothing: data URIs, scripts, a place on the page, templates that nobody filled in. */
const noAddress =
  /^(data:|javascript:|about:|blob:|#|\/\/:0|$)|[<>]|\{[{%]|\}\}|[$#]\{|\{[a-z_.]+\}|%7b%7b|\[\[|%3c\/?svg|svg%3e/i;

/** True for what can't be an image's address, as written (trimmed). */
export function isNoAddress(written: string): boolean {
  return noAddress.test(written) || !URL.canParse(written, "http://x/");
}

const core =
  "blank|spacer|placeholders?|lazy|lazyload(?:er|ing)?|transparent|trans|shim|dummy|loading|loader|spinner|pixel|clear|empty|gr[ea]y|dot|1x1|1px|noimg";
const filler =
  "img|image|images|photo|pic|picture|thumb|thumbnail|default|no|white|black|bg|background|gif|px|ajax|to|load|\\d+|\\d+x\\d+";
const words = new RegExp(`^(?:(?:${core}|${filler})(?:[-_.]|%20|$))+$`, "i");
const hasCore = new RegExp(`(?:^|[-_.]|%20)(?:${core})(?:[-_.]|%20|$)`, "i");
/** Words that name real pictures too; as GIF, SVG or PNG they are a loader's. */
const always =
  /(?:^|[-_.]|%20)(?:blank|spacer|placeholders?|lazy|lazyload(?:er|ing)?|transparent|1x1|1px)(?:[-_.]|%20|$)/i;
const hosts =
  /^(?:via\.placeholder\.com|(?:www\.)?placehold(?:er)?\.(?:it|co|com)|(?:www\.)?dummyimage\.com|fakeimg\.pl)$/i;

/** True for an address by whose name nobody keeps a photograph: blank.gif, spacer.png, placeholder-600x400.svg. */
export function isKnownPlaceholder(url: URL): boolean {
  if (hosts.test(url.hostname)) return true;
  const file = url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
  const [, name = "", extension = ""] = /^(.{1,100}?)(?:\.([a-z]{3,4}))?$/i.exec(file) ?? [];
  if (!hasCore.test(name) || !words.test(name)) return false;
  return always.test(name) || /^(gif|svg|png)$/i.test(extension);
}

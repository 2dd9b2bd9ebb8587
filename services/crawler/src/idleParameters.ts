import { isSessionLike, parametersOf, withoutParameters } from "@pairloom/web";

/** A page that was read. */
export interface NamedPage {
  url: string;
  /** The address that it calls its own. */
  canonical: string | null;
  /** Its links to pages of its site. */
  links: readonly string[];
  /** The images that it shows with their texts: equal for equal pages, empty for none. */
  content: string;
}

/** Parameters that don't change what a site shows, as its pages themselves say. */
export interface IdleParameters {
  /** Idle where their value looks drawn by lot: a canonical address left such a one out, or every link has one. */
  sessions: ReadonlySet<string>;
  /** Idle whatever their value: several addresses that differ in them showed one and the same. */
  always: ReadonlySet<string>;
}

/** Learns from pages of one site. A mere "page=2" that a canonical address leaves out proves nothing. */
export function idleParameters(pages: readonly NamedPage[]): IdleParameters {
  const sessions = new Set<string>();
  const always = new Set<string>();
  const byMeaning = new Map<string, Set<string>>();
  for (const { url, canonical, links, content } of pages) {
    for (const name of onEveryLink(links)) sessions.add(name);
    if (canonical === null) continue;
    const left = leftOut(url, canonical);
    const names = new Set(left.map(({ name }) => name));
    const leads = [
      ...new Set(links.map((link) => withoutParameters(link, (name) => names.has(name)))),
    ].sort();
    for (const { name, value } of left) {
      if (isSessionLike(value)) sessions.add(name);
      if (content === "") continue;
      // The same images and links under another value of this parameter.
      const meaning = JSON.stringify([name, canonical, content, leads]);
      const values = byMeaning.get(meaning) ?? new Set<string>();
      byMeaning.set(meaning, values.add(value));
      if (values.size > 1) always.add(name);
    }
  }
  return { sessions, always };
}

const fewestLinks = 3;

/**
 * Names of values drawn by lot that every link of a page carries: whoever keeps a visitor's session in addresses puts it
 * into each. Without them the links must still differ: of "photo?id=1f3a…" alone nothing is a session.
 */
function onEveryLink(links: readonly string[]): string[] {
  const distinct = [...new Set(links)];
  const [first] = distinct;
  if (first === undefined || distinct.length < fewestLinks) return [];
  const drawn = (link: string) =>
    new Set(parametersOf(link).flatMap(({ name, value }) => (isSessionLike(value) ? [name] : [])));
  let names = [...drawn(first)];
  for (const link of distinct) {
    if (names.length === 0) return [];
    const here = drawn(link);
    names = names.filter((name) => here.has(name));
  }
  const idle = { sessions: new Set(names), always: new Set<string>() };
  return new Set(distinct.map((link) => withoutIdle(link, idle))).size === distinct.length ? names : [];
}

/** A URL without the parameters that are idle. */
export function withoutIdle(url: string, { sessions, always }: IdleParameters): string {
  if (sessions.size + always.size === 0) return url;
  return withoutParameters(
    url,
    (name, value) => always.has(name) || (sessions.has(name) && isSessionLike(value)),
  );
}

/** What a path may have behind that of its canonical address and still be the same page. */
const sameBehind = /^(index|home|default)(\.[a-z]+)?\/?$|^(amp|print)\/?$/i;

/**
 * True where a page counts as the address that it calls its own, so that nobody reads that one again. Not where a
 * number is left out ("page=2" of a list names the list, wrongly), nor where a page names a folder that it lies in (a
 * whole site that names its start).
 */
export function countsAs(url: string, canonical: string, idle: IdleParameters): boolean {
  const folder = new URL(canonical).pathname.replace(/\/?$/, "/");
  const path = new URL(bare(url)).pathname;
  const behind = path.startsWith(folder) ? path.slice(folder.length) : "";
  if (behind !== "" && !sameBehind.test(behind)) return false;
  return leftOut(url, canonical).every(
    ({ name, value }) => idle.always.has(name) || !/^\d{1,8}$/.test(value),
  );
}

/** The parameters of an address that its canonical form, on the same path, doesn't have. */
function leftOut(url: string, canonical: string): { name: string; value: string }[] {
  if (bare(url) !== bare(canonical)) return [];
  const kept = new Set(parametersOf(canonical).map(({ name }) => name));
  return parametersOf(url).filter(({ name }) => !kept.has(name));
}

function bare(url: string): string {
  return withoutParameters(url, () => true);
}

import { utf8OrEscaped } from "../escapedBytes.js";
import { unmarkedBytes } from "../siteText.js";
import type { ShortTurns } from "../shortTurns.js";

/** One allow or disallow line; `text` as it stands in the file. */
export interface RobotsRule {
  allow: boolean;
  pattern: string;
  text: string;
}

/** A usage preference of a group ("train-ai=n"), for the paths below `pattern` ("/" where none is given). */
export interface RobotsUsage {
  pattern: string;
  preference: string;
  text: string;
}

export interface RobotsGroup {
  /** Lower-case product tokens; "*" for everybody. */
  agents: string[];
  rules: RobotsRule[];
  usages: RobotsUsage[];
  crawlDelayMs: number | null;
}

/** A robots.txt, read by RFC 9309. */
export interface Robots {
  groups: RobotsGroup[];
  sitemaps: string[];
}

/** RFC 9309 §2.5: at least 500 KiB are read; what comes after is not. */
export const maxRobotsBytes = 500 * 1024;

/** Longer lines are cut, as Google's parser does (2,083 characters of a URL, eight bytes each). */
const maxLineCharacters = 2083 * 8;

/** Keys as webmasters write them, misspellings included where they can only mean one thing. */
const keys: Record<string, "agent" | "allow" | "disallow" | "sitemap" | "delay" | "usage" | "signal"> = {
  "user-agent": "agent",
  useragent: "agent",
  "user agent": "agent",
  allow: "allow",
  disallow: "disallow",
  dissallow: "disallow",
  dissalow: "disallow",
  disalow: "disallow",
  diasllow: "disallow",
  disallaw: "disallow",
  sitemap: "sitemap",
  "site-map": "sitemap",
  "crawl-delay": "delay",
  crawldelay: "delay",
  "content-usage": "usage",
  "content-signal": "signal",
};

/** Reads a robots.txt: anything that is no known line is skipped, nothing is an error (RFC 9309 §2.2). */
export function parseRobots(source: string | Uint8Array): Robots {
  const parsing = parsingRobots(source);
  for (;;) {
    const { done, value } = parsing.next();
    if (done === true) return value;
  }
}

/** As `parseRobots`, in turns of the event loop that stay short however many lines there are. */
export async function parseRobotsInTurns(source: string | Uint8Array, turns: ShortTurns): Promise<Robots> {
  const parsing = parsingRobots(source);
  for (;;) {
    await turns.next();
    const { done, value } = parsing.next();
    if (done === true) return value;
  }
}

/** Few enough to be read in a millisecond or two. */
const linesAtOnce = 2000;

function* parsingRobots(source: string | Uint8Array): Generator<undefined, Robots> {
  const robots: Robots = { groups: [], sitemaps: [] };
  let read = 0;
  let group: RobotsGroup | null = null;
  let startsGroup = true;
  for (const line of lines(source)) {
    if (++read % linesAtOnce === 0) yield;
    const [name, value] = keyAndValue(line);
    const key = keys[name.toLowerCase()];
    if (key === "sitemap") {
      if (value !== "") robots.sitemaps.push(value);
    } else if (key === "agent") {
      if (group === null || startsGroup) {
        group = { agents: [], rules: [], usages: [], crawlDelayMs: null };
        robots.groups.push(group);
        startsGroup = false;
      }
      group.agents.push(productToken(value));
    } else if (key !== undefined && group !== null) {
      // Only rules end the list of agents: other records must not interfere (RFC 9309 §2.2.4).
      if (key === "allow" || key === "disallow") startsGroup = true;
      addLine(group, key, value, line);
    }
  }
  return robots;
}

/** "Disallow: /x" and, where the colon was forgotten, "Disallow /x": it can only mean one thing. */
function keyAndValue(line: string): [key: string, value: string] {
  const colon = line.indexOf(":");
  if (colon >= 0) return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  const [key = "", value = "", more] = line.split(/\s+/, 3);
  return value !== "" && more === undefined ? [key, value] : ["", ""];
}

function addLine(
  group: RobotsGroup,
  key: "allow" | "disallow" | "delay" | "usage" | "signal",
  value: string,
  text: string,
): void {
  if (key === "delay") {
    const seconds = Number(value);
    if (value !== "" && Number.isFinite(seconds) && seconds >= 0) group.crawlDelayMs ??= seconds * 1000;
  } else if (key === "usage" || key === "signal") {
    const [, pattern, preference] = /^([/*]\S*)?\s*(.*)$/s.exec(value) ?? [];
    if (preference !== undefined) group.usages.push({ pattern: pattern ?? "/", preference, text });
  } else if (value !== "") {
    group.rules.push({ allow: key === "allow", pattern: value, text });
  }
}

/** The product token at the start of a user-agent value, in lower case: "Foo-Bot/1.2 (x)" → "foo-bot"; "*" stays. */
export function productToken(value: string): string {
  if (/^\*(\s|$)/.test(value.trim())) return "*";
  return (/^[a-z0-9_-]+/i.exec(value.trim())?.[0] ?? value.trim()).toLowerCase();
}

/** The lines without comments and blanks; empty ones are left out. */
function* lines(source: string | Uint8Array): Generator<string> {
  const bytes =
    typeof source === "string"
      ? Buffer.from(source, "utf8")
      : Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  const cut = bytes.length > maxRobotsBytes;
  const parts = unmarkedBytes(cut ? bytes.subarray(0, maxRobotsBytes) : bytes)
    .replaceAll("\r", "\n")
    .split("\n");
  // A line that was cut in two says something else than it did.
  if (cut) parts.pop();
  for (const part of parts) {
    const comment = part.indexOf("#");
    const line = part.slice(0, Math.min(comment < 0 ? part.length : comment, maxLineCharacters));
    // Line by line, since in some files one is UTF-8 and another is not; not trimmed before: a byte of "à" would go.
    const text = utf8OrEscaped(line).trim();
    if (text !== "") yield text;
  }
}

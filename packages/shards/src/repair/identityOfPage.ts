import { barListRef, type BarListRef } from "@pairloom/config";
import { maxCellCharacters } from "../release/dataCard.js";
import type { Identity } from "./identity.js";

const unescaped = (cell: string): string => cell.replace(/\\(.)/g, "$1");

/** What a data card's page (datacard.md, README.md) says of its release. */
export function identityOfPage(text: string): Partial<Identity> {
  const found: Partial<Identity> = {};
  const name = /^# (.*)$/m.exec(text)?.[1];
  if (name !== undefined) found.name = unescaped(name);
  const release = /\nRelease `([^`\n]+)`/.exec(text)?.[1];
  if (release !== undefined) found.release = release;
  const perShard = / shards of at most (\d+) \(/.exec(text)?.[1];
  if (perShard !== undefined) found.samplesPerShard = Number(perShard);
  const block = /\n## Settings\n\n```json\n([^]*?)\n```/.exec(text)?.[1];
  try {
    if (block !== undefined) found.settings = JSON.parse(block) as unknown;
  } catch {
    // a page that was edited: its settings are lost
  }
  const lists = listsOfPage(text);
  if (lists !== null) found.lists = lists;
  return found;
}

/** The lists that a page names; null where it doesn't say, or not wholly. */
function listsOfPage(text: string): BarListRef[] | null {
  const section = /\n## Lists\n([^]*?)\n## /.exec(text)?.[1];
  if (section === undefined) return null;
  if (section.includes("No blocklist and no evaluation set was applied.")) return [];
  const rows = section.split("\n").filter((line) => /^\| (?:blocklist|decontaminate) \|/.test(line));
  const lists = rows.map((row) => {
    // A bar within a name has a backslash before it.
    const cells = row.split(/(?<!\\) ?\| ?/).slice(1, -1);
    const [use, name = "", sha256, pdq, domain, url, hash = ""] = cells;
    if (name.length >= maxCellCharacters) return null;
    const entries = { sha256: Number(sha256), pdq: Number(pdq), domain: Number(domain), url: Number(url) };
    const parsed = barListRef.safeParse({
      use,
      name: unescaped(name),
      sha256: hash.replaceAll("`", ""),
      entries,
    });
    return parsed.success ? parsed.data : null;
  });
  const whole = lists.filter((list) => list !== null);
  return whole.length > 0 && whole.length === lists.length ? whole : null;
}

import { groupsFor, namedGroups, verdictInTurns } from "../robots/isAllowed.js";
import { parseRobotsInTurns, type Robots } from "../robots/parseRobots.js";
import { comparablePath } from "../robots/pathPattern.js";
import { ShortTurns } from "../shortTurns.js";

/**
 * Reads Spawning's ai.txt: robots.txt's lines, with patterns that name kinds of files ("Disallow: *.jpg") as well as
 * paths.
 */
export async function parseAiTxt(text: string, turns = new ShortTurns()): Promise<Robots> {
  const robots = await parseRobotsInTurns(text, turns);
  for (const { rules } of robots.groups) {
    for (const rule of rules) {
      // "*.jpg" names files that end so; "jpg" alone is no path.
      if (/^\*?\.[a-z0-9]+$/i.test(rule.pattern)) rule.pattern = `*${rule.pattern.replace(/^\*/, "")}$`;
    }
  }
  return robots;
}

/** True where ai.txt forbids the URL to our token, or to one of those we obey by name. */
export async function aiTxtForbids(
  aiTxt: Robots,
  url: URL,
  token: string,
  alsoObey: readonly string[],
  turns = new ShortTurns(),
): Promise<boolean> {
  const path = comparablePath(new URL(url.pathname, url)); // kinds of files are told by the path, not by the query
  const named = alsoObey.map((other) => namedGroups(aiTxt, other));
  for (const groups of [groupsFor(aiTxt, token), ...named]) {
    if (groups !== null && !(await verdictInTurns(groups, path, turns)).allowed) return true;
  }
  return false;
}

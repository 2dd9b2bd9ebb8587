import { productToken, type Robots, type RobotsGroup, type RobotsRule } from "./parseRobots.js";
import { comparablePath, pathPattern, type PathPattern } from "./pathPattern.js";

export interface RobotsVerdict {
  allowed: boolean;
  /** The line that decided, as it stands in the file; null where none matched. */
  rule: string | null;
}

const compiled = new WeakMap<{ pattern: string }, PathPattern>();

function patternOf(rule: { pattern: string }): PathPattern {
  let pattern = compiled.get(rule);
  if (pattern === undefined) compiled.set(rule, (pattern = pathPattern(rule.pattern)));
  return pattern;
}

/** The groups that name a token, or null where none does. */
export function namedGroups(robots: Robots, token: string): RobotsGroup[] | null {
  const product = productToken(token);
  const groups = robots.groups.filter(({ agents }) => agents.includes(product));
  return groups.length > 0 ? groups : null;
}

/** The groups a crawler obeys: all that name its token, else all for "*" (RFC 9309 §2.2.1). */
export function groupsFor(robots: Robots, token: string): RobotsGroup[] {
  return namedGroups(robots, token) ?? namedGroups(robots, "*") ?? [];
}

/** The most specific of some lines that matches a path; at equal length the first that `prefer`s. */
export function longestMatch<R extends { pattern: string }>(
  rules: Iterable<R>,
  path: string,
  prefer: (rule: R) => boolean,
): R | null {
  let best: R | null = null;
  let bestLength = -1;
  for (const rule of rules) {
    const pattern = patternOf(rule);
    if (pattern.length < bestLength || !pattern.matches(path)) continue;
    if (pattern.length > bestLength || (prefer(rule) && best !== null && !prefer(best))) best = rule;
    bestLength = pattern.length;
  }
  return best;
}

function verdict(groups: readonly RobotsGroup[], path: string): RobotsVerdict {
  if (path === "/robots.txt") return { allowed: true, rule: null };
  const rules: RobotsRule[] = groups.flatMap((group) => group.rules);
  const rule = longestMatch(rules, path, ({ allow }) => allow);
  return { allowed: rule?.allow ?? true, rule: rule?.text ?? null };
}

/**
 * May `token` fetch `url`? The longest matching rule of its groups decides, allow wins a tie, no match allows, and
 * /robots.txt itself is always allowed (RFC 9309 §2.2).
 *
 * @param token a product token ("pairloom") or a whole User-Agent ("pairloom/0.1 (+…)")
 */
export function isAllowed(robots: Robots, token: string, url: URL | string): RobotsVerdict {
  const path = comparablePath(typeof url === "string" ? new URL(url) : url);
  return verdict(groupsFor(robots, token), path);
}

/** As `isAllowed`, but only where the file names the token; "*" doesn't stand in for it. Null where it isn't named. */
export function isAllowedByName(robots: Robots, token: string, url: URL): RobotsVerdict | null {
  const groups = namedGroups(robots, token);
  return groups === null ? null : verdict(groups, comparablePath(url));
}

/** The Crawl-delay for a token, in ms; null where none is stated. */
export function crawlDelayMs(robots: Robots, token: string): number | null {
  const delays = groupsFor(robots, token).flatMap((group) => group.crawlDelayMs ?? []);
  return delays.length === 0 ? null : Math.max(...delays);
}

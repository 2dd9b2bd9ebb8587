import type { ShortTurns } from "../shortTurns.js";
import { productToken, type Robots, type RobotsGroup, type RobotsRule } from "./parseRobots.js";
import {
  comparablePath,
  mayMatch,
  pathPattern,
  type ComparablePath,
  type PathPattern,
} from "./pathPattern.js";

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
  path: ComparablePath,
  prefer: (rule: R) => boolean,
): R | null {
  let best: R | null = null;
  let bestLength = -1;
  for (const rule of rules) {
    if (!mayMatch(rule.pattern, path)) continue;
    const pattern = patternOf(rule);
    const better = pattern.length > bestLength || best === null || (prefer(rule) && !prefer(best));
    if (pattern.length < bestLength || !better || !pattern.matches(path)) continue;
    best = rule;
    bestLength = pattern.length;
  }
  return best;
}

/** Few enough to be compared in a millisecond or two, whatever they are. */
const rulesAtOnce = 200;
/** Rules times characters of the path: 10,000 rules that begin with * and a path of 2,000 are compared, not more. */
const maxCompared = 20_000_000;

export interface LongestMatch<R> {
  rule: R | null;
  /** False where comparing all of them would take too long: whoever asks takes it for a no. */
  complete: boolean;
}

/** As `longestMatch`, in turns of the event loop that stay short however many rules there are. */
export async function longestMatchInTurns<R extends { pattern: string }>(
  rules: readonly R[],
  path: ComparablePath,
  prefer: (rule: R) => boolean,
  turns: ShortTurns,
): Promise<LongestMatch<R>> {
  let rule: R | null = null;
  let compared = 0;
  for (let from = 0; from < rules.length; from += rulesAtOnce) {
    await turns.next();
    const some = rules.slice(from, from + rulesAtOnce).filter(({ pattern }) => mayMatch(pattern, path));
    compared += some.length * path.text.length;
    if (compared > maxCompared) return { rule, complete: false };
    rule = longestMatch(rule === null ? some : [rule, ...some], path, prefer);
  }
  return { rule, complete: true };
}

const isAllow = ({ allow }: RobotsRule): boolean => allow;

function verdict(groups: readonly RobotsGroup[], path: ComparablePath): RobotsVerdict {
  return asVerdict(longestMatch(rulesOf(groups), path, isAllow), path);
}

/** As `isAllowed` for the groups of a token, in short turns. */
export async function verdictInTurns(
  groups: readonly RobotsGroup[],
  path: ComparablePath,
  turns: ShortTurns,
): Promise<RobotsVerdict> {
  const { rule, complete } = await longestMatchInTurns(rulesOf(groups), path, isAllow, turns);
  return complete ? asVerdict(rule, path) : { allowed: false, rule: "more rules than can be compared" };
}

function rulesOf(groups: readonly RobotsGroup[]): readonly RobotsRule[] {
  return groups.length === 1 && groups[0] !== undefined
    ? groups[0].rules
    : groups.flatMap((group) => group.rules);
}

function asVerdict(rule: RobotsRule | null, path: ComparablePath): RobotsVerdict {
  if (path.text === "/robots.txt") return { allowed: true, rule: null };
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

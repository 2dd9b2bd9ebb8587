import type { Reason, WebSettings } from "@pairloom/config";
import { BoundedCache } from "./boundedCache.js";
import { one } from "./exchange/exchange.js";
import { aiTxtForbids, parseAiTxt } from "./optouts/aiTxt.js";
import type { OptOut } from "./optouts/headerOptOut.js";
import { siteFileText } from "./optouts/siteFileText.js";
import { parseTdmrep, tdmReserves, type TdmRule } from "./optouts/tdmReservation.js";
import { refusesTraining } from "./optouts/usagePreference.js";
import {
  crawlDelayMs,
  groupsFor,
  longestMatchInTurns,
  namedGroups,
  verdictInTurns,
} from "./robots/isAllowed.js";
import { maxRobotsBytes, parseRobotsInTurns, type Robots, type RobotsGroup } from "./robots/parseRobots.js";
import { comparablePath } from "./robots/pathPattern.js";
import { saysNone } from "./robots/saysNone.js";
import { ShortTurns } from "./shortTurns.js";
import type { WebAnswer } from "./webAnswer.js";

/** Fetches one of a site's own files (robots.txt and its like): no rules asked, cut at `maxBytes`, retried. */
export type FetchSiteFile = (url: string, maxBytes: number, maxRedirects: number) => Promise<WebAnswer>;

export type RobotsState =
  { status: "rules"; robots: Robots } | { status: "unreachable"; reason: Reason; errorMessage: string };

export interface SiteVerdict {
  refusal: { reason: Reason; errorMessage: string } | null;
  /** What the site's files state against use of this URL. */
  optOuts: OptOut[];
  /** How long the site wants us to wait between requests, capped. */
  crawlDelayMs: number;
}

const dayMs = 24 * 3_600_000;
const unreachableTtlMs = 120_000;
/** Weight is about bytes: rules of many sites fit, a few huge files don't crowd them out. */
const cacheBytes = 64 * 1024 * 1024;

/** Where the network itself failed, that is the reason to give; everything else means robots.txt could not be read. */
const networkReasons: ReadonlySet<Reason> = new Set<Reason>([
  "dns_not_found",
  "dns_failed",
  "connect_failed",
  "tls_untrusted",
  "tls_expired",
  "tls_wrong_host",
  "tls_failed",
  "host_set_aside",
]);

/** A site's robots.txt, tdmrep.json and ai.txt: each fetched once for many that wait, kept for at most a day. */
export class SiteRules {
  readonly #robots = new BoundedCache<RobotsState>(cacheBytes);
  readonly #tdm = new BoundedCache<TdmRule[]>(cacheBytes / 4);
  readonly #aiTxt = new BoundedCache<Robots>(cacheBytes / 4);
  readonly #ignored: ReadonlySet<Reason>;
  /** Half a megabyte of hostile patterns takes its time; nobody else is to wait for it. */
  readonly #turns = new ShortTurns();

  constructor(
    private readonly settings: WebSettings,
    private readonly fetchFile: FetchSiteFile,
  ) {
    this.#ignored = new Set(settings.ignoreOptOuts);
  }

  /** The robots.txt that holds for a URL (RFC 9309 §2.3). */
  robots(url: URL): Promise<RobotsState> {
    return this.#robots.load(url.origin, async () => {
      const answer = await this.fetchFile(`${url.origin}/robots.txt`, maxRobotsBytes + 1, 5);
      const value = await this.robotsState(answer);
      if (value.status === "unreachable") return { value, ttlMs: unreachableTtlMs, weight: 200 };
      const size = answer.status === "ok" ? answer.body.length : 0;
      return { value, ttlMs: ttlOf(answer), weight: 200 + 4 * size };
    });
  }

  /** May we fetch this URL, and what does its site say against using it? */
  async verdict(url: URL): Promise<SiteVerdict> {
    const { obeyRobots, userAgentToken, alsoObey, crawlDelayCapMs } = this.settings;
    const found: SiteVerdict = { refusal: null, optOuts: [], crawlDelayMs: 0 };
    if (obeyRobots || this.#heeds("optout_content_usage")) {
      const state = await this.robots(url);
      if (state.status === "rules") {
        if (obeyRobots) {
          found.refusal = await this.#disallowed(state.robots, url);
          found.crawlDelayMs = Math.min(crawlDelayMs(state.robots, userAgentToken) ?? 0, crawlDelayCapMs);
          if (found.refusal !== null) return found;
        }
        const usage = await this.#usage(state.robots, url);
        if (usage !== null) found.optOuts.push(usage);
      } else if (obeyRobots) {
        found.refusal = { reason: state.reason, errorMessage: state.errorMessage };
        return found;
      }
    }
    const [tdm, aiTxt] = await Promise.all([
      this.#heeds("optout_tdmrep") ? this.#tdmRules(url) : [],
      this.#heeds("optout_ai_txt") ? this.#aiTxtRules(url) : null,
    ]);
    if (await tdmReserves(tdm, url, this.#turns)) {
      found.optOuts.push({ reason: "optout_tdmrep", said: "/.well-known/tdmrep.json" });
    }
    if (aiTxt !== null && (await aiTxtForbids(aiTxt, url, userAgentToken, alsoObey, this.#turns))) {
      found.optOuts.push({ reason: "optout_ai_txt", said: "/ai.txt" });
    }
    return found;
  }

  #heeds(reason: Reason): boolean {
    return this.settings.obeyOptOuts && !this.#ignored.has(reason);
  }

  /** The groups that speak to us: ours, and those of the tokens that we obey by name. */
  #groups(robots: Robots): { token: string; groups: RobotsGroup[] }[] {
    const { userAgentToken, alsoObey } = this.settings;
    const others = alsoObey.map((token) => ({ token, groups: namedGroups(robots, token) ?? [] }));
    return [{ token: userAgentToken, groups: groupsFor(robots, userAgentToken) }, ...others];
  }

  async #disallowed(robots: Robots, url: URL): Promise<SiteVerdict["refusal"]> {
    const path = comparablePath(url);
    for (const { token, groups } of this.#groups(robots)) {
      const { allowed, rule } = await verdictInTurns(groups, path, this.#turns);
      if (allowed) continue;
      const ours = token === this.settings.userAgentToken;
      return { reason: "robots_disallowed", errorMessage: `${rule ?? ""}${ours ? "" : ` (${token})`}` };
    }
    return null;
  }

  async #usage(robots: Robots, url: URL): Promise<OptOut | null> {
    if (!this.#heeds("optout_content_usage")) return null;
    const path = comparablePath(url);
    const refuses = ({ preference }: { preference: string }): boolean => refusesTraining(preference);
    for (const { groups } of this.#groups(robots)) {
      const usages = groups.flatMap((group) => group.usages);
      const { rule, complete } = await longestMatchInTurns(usages, path, refuses, this.#turns);
      if (!complete || (rule !== null && refuses(rule))) {
        return { reason: "optout_content_usage", said: `robots.txt: ${rule?.text ?? "too many lines"}` };
      }
    }
    return null;
  }

  #tdmRules(url: URL): Promise<TdmRule[]> {
    return this.#tdm.load(url.origin, async () => {
      const answer = await this.fetchFile(`${url.origin}/.well-known/tdmrep.json`, 256 * 1024, 5);
      await this.#turns.next();
      const text = siteFileText(answer);
      const value = text === null ? [] : parseTdmrep(text);
      return { value, ttlMs: ttlOf(answer), weight: 200 + 100 * value.length };
    });
  }

  #aiTxtRules(url: URL): Promise<Robots> {
    return this.#aiTxt.load(url.origin, async () => {
      const answer = await this.fetchFile(`${url.origin}/ai.txt`, maxRobotsBytes, 5);
      const text = siteFileText(answer) ?? "";
      return {
        value: await parseAiTxt(text, this.#turns),
        ttlMs: ttlOf(answer),
        weight: 200 + 4 * text.length,
      };
    });
  }

  /** RFC 9309 §2.3.1: 2xx has rules, what isn't there allows all, anything else forbids all. */
  private async robotsState(answer: WebAnswer): Promise<RobotsState> {
    if (answer.status === "ok") {
      return { status: "rules", robots: await parseRobotsInTurns(answer.body.whole(), this.#turns) };
    }
    if (saysNone(answer)) return { status: "rules", robots: { groups: [], sitemaps: [] } };
    const { httpStatus, reason, errorMessage } = answer;
    if (networkReasons.has(reason)) return { status: "unreachable", reason, errorMessage };
    return {
      status: "unreachable",
      reason: "robots_unreachable",
      errorMessage:
        `robots.txt: ${reason}${httpStatus === null ? "" : ` (${httpStatus})`} ${errorMessage}`.trim(),
    };
  }
}

/** A day, or less where the answer's Cache-Control says so; ten minutes at least. What failed is asked again sooner. */
function ttlOf(answer: WebAnswer): number {
  if (answer.status !== "ok") return answer.httpStatus === null || answer.httpStatus >= 500 ? 600_000 : dayMs;
  const maxAge = /max-age\s*=\s*"?(\d+)/i.exec(one(answer.headers["cache-control"]) ?? "")?.[1];
  if (maxAge === undefined) return dayMs;
  return Math.min(Math.max(Number(maxAge) * 1000, 600_000), dayMs);
}

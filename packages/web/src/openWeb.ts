import { setTimeout as sleep } from "node:timers/promises";
import type { WebSettings } from "@pairloom/config";
import type { Redis } from "ioredis";
import { Agent } from "undici";
import { BoundedCache } from "./boundedCache.js";
import { addressPolicy } from "./address/addressPolicy.js";
import { admit } from "./address/admission.js";
import { answerOf, asking, isSuccess, redirectOf, type Errand } from "./errand.js";
import { guardedConnector } from "./address/guardedConnector.js";
import type { HostClock } from "./clock/hostClock.js";
import { HostGate, type Hold, type Leave } from "./clock/hostGate.js";
import { memoryHostClock } from "./clock/memoryHostClock.js";
import { redisHostClock } from "./clock/redisHostClock.js";
import { nameResolver, type NameResolver } from "./dns/nameResolver.js";
import { exchange, one, type Exchanged, type ExchangeRequest } from "./exchange/exchange.js";
import { LooseDispatcher } from "./loose/looseDispatcher.js";
import { HostHealth } from "./hostHealth.js";
import { headerOptOuts, type OptOut, type OptOutPolicy } from "./optouts/headerOptOut.js";
import { backoffMs, isTransient, retryAfterMs } from "./retryPolicy.js";
import { SiteRules, type RobotsState } from "./siteRules.js";
import { userAgent } from "./userAgent.js";
import { webNo, type WebAnswer } from "./webAnswer.js";

export interface OpenWebOptions {
  settings: WebSettings;
  /** A connection for host clocks that all processes share (stays the caller's); without it they are this process's own. */
  redis?: Redis | undefined;
  /** Prefix of the clocks' keys; all that are to share them have the same one ("pairloom"). */
  keyPrefix?: string;
  /** The longest a Redis that is away is waited for before requests reject with UserError "redis_lost"; no end by default. */
  redisOutageLimitMs?: number;
  log?: ((message: string) => void) | undefined;
  /** Requests under way to one host at once. */
  hostConnections?: number;
  /** The longest Retry-After that is waited for; a host is never paused for longer. */
  retryAfterCapMs?: number;
  /** How long a failing host is set aside. */
  setAsideMs?: number;
  /** Certificates (PEM) of authorities that are trusted beside Node's own. */
  ca?: readonly string[];
  random?: () => number;
  resolver?: NameResolver;
  clock?: HostClock;
}

export interface FetchOptions {
  signal?: AbortSignal | null | undefined;
  /** Waited for before each request: whoever has no room for more bodies holds requests back with it. */
  hold?: Hold | null;
}

export interface GetTextOptions extends FetchOptions {
  /** Ask robots.txt first; false for an API that was made for programs. Default false. */
  checkRobots?: boolean;
  /** Accept header. */
  accept?: string;
}

/**
 * Polite and safe HTTP. Every outcome is a value; what rejects is the caller's own abort, a missing contact
 * (UserError "contact_missing") and a broken Redis.
 */
export interface Web {
  /** A page, by robots.txt; its opt-outs are told, not obeyed, since they concern the images on it. */
  getPage(url: string, options?: FetchOptions): Promise<WebAnswer>;
  /** An image, by robots.txt and every opt-out that is heeded. */
  getImage(url: string, options?: FetchOptions): Promise<WebAnswer>;
  /** An API's answer or a sitemap: no opt-outs, robots.txt on demand. */
  getText(url: string, options?: GetTextOptions): Promise<WebAnswer>;
  /** The robots.txt that holds for a URL, for its sitemaps. */
  getRobots(url: string): Promise<RobotsState>;
  /** Ends every connection. Redis is the caller's. */
  close(): Promise<void>;
}

/** How many origins are remembered whose answers undici refuses, and for how long. */
const maxLooseOrigins = 10_000;
const looseMs = 3_600_000;

/** Opens the web: one connection pool, one set of caches. @throws UserError for settings that can't be */
export function openWeb(options: OpenWebOptions): Web {
  const { settings, log, random = Math.random, retryAfterCapMs = 60_000 } = options;
  const policy = addressPolicy(settings.allowPrivate, settings.allowedPorts);
  const resolver = options.resolver ?? nameResolver({ servers: settings.dnsServers });
  const connect = guardedConnector(policy, resolver, settings.timeoutMs, options.ca);
  const agent = new Agent({
    connect,
    // Connections are counted by the gate, where waiting costs no request its wall clock.
    pipelining: 1,
    keepAliveTimeout: 8000,
    keepAliveMaxTimeout: 30_000,
    // It is slow with many small headers; larger heads are read as loose ones.
    maxHeaderSize: 32 * 1024,
  });
  const loose = new LooseDispatcher(connect);
  const looseOrigins = new BoundedCache<true>(maxLooseOrigins);
  const clock =
    options.clock ??
    (options.redis === undefined
      ? memoryHostClock()
      : redisHostClock(options.redis, options.keyPrefix ?? "pairloom", {
          outageLimitMs: options.redisOutageLimitMs,
        }));
  const gate = new HostGate(clock, {
    hostConnections: options.hostConnections ?? 6,
    connections: settings.concurrency,
  });
  const health = new HostHealth(settings.hostFailureLimit, options.setAsideMs ?? 600_000);
  const heeded: OptOutPolicy = {
    agents: new Set([settings.userAgentToken, ...settings.alsoObey].map((agent) => agent.toLowerCase())),
    directives: new Set(settings.optOutDirectives.map((directive) => directive.toLowerCase())),
    ignored: new Set(settings.ignoreOptOuts),
  };
  const ourName = userAgent(settings);

  const rules = new SiteRules(settings, (url, maxBytes, maxRedirects) =>
    run(url, {
      kind: "site_file",
      ...asking.site_file,
      maxBytes,
      cutBody: true,
      maxRedirects,
      ...{ signal: null, hold: null },
    }),
  );

  /** An errand with its retries. */
  async function run(url: string, errand: Errand): Promise<WebAnswer> {
    // A site's own file that fails stands for all of the site's rows: it gets a second chance in any case.
    const retries = Math.max(settings.retries, errand.kind === "site_file" ? 1 : 0);
    for (let attempt = 0; ; attempt++) {
      const { answer, waitMs, host } = await attemptOnce(url, errand);
      if (answer.status === "ok" || attempt >= retries) return answer;
      if (!isTransient(answer.reason, answer.httpStatus)) return answer;
      if (waitMs !== null && waitMs > retryAfterCapMs) return answer;
      const delayMs = Math.max(waitMs ?? 0, backoffMs(settings.backoffMs, attempt, random));
      // A query may hold keys.
      log?.(`retry in ${Math.round(delayMs)} ms: ${answer.reason} ${url.replace(/[?#].*/s, "?…")}`);
      // A host that asked for time gets it from its clock; every request to it waits there.
      if (waitMs === null || host === null) await sleep(delayMs, undefined, signalOf(errand));
    }
  }

  /** One attempt, redirects followed by hand and every hop judged anew. */
  async function attemptOnce(
    from: string,
    errand: Errand,
  ): Promise<{ answer: WebAnswer; waitMs: number | null; host: string | null }> {
    const visited = new Set<string>();
    const optOuts: OptOut[] = [];
    let target = from;
    let asked: string | null = null;
    let budgetMs = settings.timeoutMs;
    const end = (answer: WebAnswer, host: string | null = null, waitMs: number | null = null) => ({
      answer,
      waitMs,
      host,
    });
    for (let hop = 0; ; hop++) {
      const admitted = await admit(target, policy, resolver, settings.contact);
      if (!admitted.ok) return end(webNo(admitted.reason, admitted.errorMessage, { finalUrl: asked }));
      const { url, host, address } = admitted;
      if (visited.has(url.href))
        return end(webNo("redirect_limit", `a loop at ${url.href}`, { finalUrl: asked }));
      visited.add(url.href);
      if (health.isAside(host)) return end(setAside(host, asked));

      let hostGapMs = settings.hostGapMs;
      if (errand.checkRobots) {
        const verdict = await rules.verdict(url);
        if (verdict.refusal !== null) {
          const { reason, errorMessage } = verdict.refusal;
          return end(webNo(reason, errorMessage, { finalUrl: asked }));
        }
        if (errand.kind !== "text") optOuts.push(...verdict.optOuts);
        hostGapMs = Math.max(hostGapMs, verdict.crawlDelayMs);
      }
      const [early] = errand.kind === "image" ? optOuts : [];
      if (early !== undefined) return end(webNo(early.reason, early.said, { finalUrl: asked }));

      let leftMs = budgetMs;
      const slot = { host, hostGapMs, address, addressGapMs: settings.addressGapMs };
      const work = async (leave: Leave): Promise<Exchanged> => {
        for (let stale = 0; ;) {
          const startedMs = performance.now();
          const request = requestFor(url, errand, Math.max(1, leftMs), optOuts);
          const sender = looseOrigins.get(url.origin) === undefined ? agent : loose;
          const answered = await exchange(sender, { ...request, maySend: () => leave.sent() });
          leftMs -= performance.now() - startedMs;
          if (answered.ok || answered.again === null) return answered;
          if (answered.again === "loose") {
            if (sender === loose) return answered;
            looseOrigins.set(url.origin, true, looseMs);
          }
          if (answered.again === "stale" && ++stale > 1) return answered;
          await leave.renew();
        }
      };
      // Who stood in line while the host was set aside doesn't ask it one by one.
      const exchanged = await gate.pass(slot, errand.signal, work, () => health.isAside(host), errand.hold);
      if (exchanged === null) return end(setAside(host, asked));
      budgetMs = Math.max(1, leftMs);
      asked = url.href;
      const location = redirectOf(exchanged, url);
      health.heard(host, exchanged.httpStatus, exchanged.ok ? null : exchanged.reason);
      const [optOut] = errand.kind === "image" ? optOuts : [];
      if (optOut !== undefined) {
        const httpStatus = exchanged.httpStatus;
        return end(webNo(optOut.reason, optOut.said, { finalUrl: asked, httpStatus }));
      }
      if (location === null) {
        const answer = answerOf(exchanged, url, errand, optOuts);
        return end(answer, host, await heedRetryAfter(host, exchanged));
      }
      if (hop >= errand.maxRedirects) {
        const errorMessage = `more than ${errand.maxRedirects} redirects`;
        const httpStatus = exchanged.httpStatus;
        return end(webNo("redirect_limit", errorMessage, { finalUrl: asked, httpStatus }));
      }
      target = location;
    }
  }

  function requestFor(url: URL, errand: Errand, timeoutMs: number, optOuts: OptOut[]): ExchangeRequest {
    return {
      url,
      headers: {
        "user-agent": ourName,
        accept: errand.accept,
        "accept-encoding": errand.acceptEncoding,
      },
      limits: { timeoutMs, maxBytes: errand.maxBytes, maxInflatedBytes: settings.maxInflatedBytes },
      signal: errand.signal,
      cutBody: errand.cutBody,
      isText: errand.kind === "site_file" || errand.kind === "text",
      wantsBody(httpStatus, headers) {
        if (settings.obeyOptOuts && (errand.kind === "image" || errand.kind === "page")) {
          optOuts.push(...headerOptOuts(headers, heeded, errand.kind));
        }
        return isSuccess(httpStatus, headers) && (errand.kind !== "image" || optOuts.length === 0);
      },
    };
  }

  /** 429 and 503 pause the host for everybody; says how long the server wants us to wait. */
  async function heedRetryAfter(host: string, exchanged: Exchanged): Promise<number | null> {
    if (exchanged.httpStatus !== 429 && exchanged.httpStatus !== 503) return null;
    const stated = retryAfterMs(one(exchanged.headers?.["retry-after"]), Date.now());
    const pauseMs = Math.min(stated ?? backoffMs(settings.backoffMs, 1, random), retryAfterCapMs);
    if (pauseMs > 0) await gate.pause(host, pauseMs);
    return stated ?? pauseMs;
  }

  const whole = { maxBytes: settings.maxBytes, cutBody: false, maxRedirects: settings.maxRedirects };
  return {
    getPage: (url, { signal = null, hold = null } = {}) =>
      run(url, { ...whole, kind: "page", ...asking.page, signal, hold }),
    getImage: (url, { signal = null, hold = null } = {}) =>
      run(url, { ...whole, kind: "image", ...asking.image, signal, hold }),
    getText: (url, { signal = null, hold = null, ...wished } = {}) =>
      run(url, { ...whole, kind: "text", ...asking.text, ...wished, signal, hold }),
    async getRobots(url) {
      const admitted = await admit(url, policy, resolver, settings.contact);
      if (admitted.ok) return rules.robots(admitted.url);
      return { status: "unreachable", reason: admitted.reason, errorMessage: admitted.errorMessage };
    },
    close: () => {
      loose.close();
      return agent.destroy();
    },
  };
}

function setAside(host: string, finalUrl: string | null): WebAnswer {
  return webNo("host_set_aside", `${host} kept failing`, { finalUrl });
}

function signalOf(errand: Errand): { signal?: AbortSignal } {
  return errand.signal === null ? {} : { signal: errand.signal };
}

import { isAllowed } from "./isAllowed.js";
import { parseRobots } from "./parseRobots.js";

export interface UrlVerdict {
  url: string;
  allowed: boolean;
  /** The deciding line, or null. */
  rule: string | null;
}

/**
 * What a robots.txt says of some URLs, in their order: the answer of `pairloom robots`. URLs are taken to belong to
 * the file's host; a bare path ("/a?b") is as good. What is no URL is not allowed.
 */
export function robotsVerdicts(
  text: string | Uint8Array,
  agent: string,
  urls: readonly string[],
): { urls: UrlVerdict[] } {
  const robots = parseRobots(text);
  return {
    urls: urls.map((url) => {
      if (!URL.canParse(url, "http://localhost")) return { url, allowed: false, rule: null };
      return { url, ...isAllowed(robots, agent, new URL(url, "http://localhost")) };
    }),
  };
}

import type { Reason } from "@pairloom/config";
import { headerOptOuts, isReserved, robotsDirectives, type Headers, type OptOutPolicy } from "@pairloom/web";
import type { MetaEntry } from "./headImages.js";

export interface PageOptOuts {
  /** Reasons that hold for every image of the page. */
  reasons: Reason[];
  /** The page asks that its links aren't followed. */
  nofollow: boolean;
}

/** What a page says of its use, in its headers and its meta elements. */
export function pageOptOuts(meta: readonly MetaEntry[], headers: Headers, policy: OptOutPolicy): PageOptOuts {
  const reasons = new Set<Reason>(headerOptOuts(headers, policy, "page").map(({ reason }) => reason));
  const directives = robotsDirectives([headers["x-robots-tag"] ?? []].flat(), policy.agents);
  for (const { name, content } of meta) {
    if (name === "robots" || policy.agents.has(name)) {
      const said = robotsDirectives(content, policy.agents);
      directives.push(...said);
      if (said.some((directive) => policy.directives.has(directive))) reasons.add("optout_page_meta");
    } else if (name === "tdm-reservation" && isReserved(content)) {
      reasons.add("optout_tdmrep");
    }
  }
  return {
    reasons: [...reasons].filter((reason) => !policy.ignored.has(reason)),
    nofollow: directives.some((directive) => directive === "nofollow" || directive === "none"),
  };
}

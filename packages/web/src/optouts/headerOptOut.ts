import type { Reason } from "@pairloom/config";
import type { Headers } from "../exchange/exchange.js";
import { robotsDirectives } from "./robotsDirectives.js";
import { isReserved } from "./tdmReservation.js";
import { refusesTraining } from "./usagePreference.js";

export interface OptOutPolicy {
  /** Lower-case tokens that count as ours. */
  agents: ReadonlySet<string>;
  /** Lower-case robots directives that opt out. */
  directives: ReadonlySet<string>;
  /** Reasons that are not heeded. */
  ignored: ReadonlySet<Reason>;
}

/** An opt-out, and the words it was said with. */
export interface OptOut {
  reason: Reason;
  said: string;
}

/** What an answer's own headers say against use: X-Robots-Tag, tdm-reservation, Content-Usage, Content-Signal. */
export function headerOptOuts(headers: Headers, policy: OptOutPolicy, on: "page" | "image"): OptOut[] {
  const all = (name: string): string[] => [headers[name] ?? []].flat();
  const found: OptOut[] = [];
  const directive = robotsDirectives(all("x-robots-tag"), policy.agents).find((d) =>
    policy.directives.has(d),
  );
  if (directive !== undefined) {
    const reason = on === "page" ? "optout_page_header" : "optout_x_robots_tag";
    found.push({ reason, said: `X-Robots-Tag: ${directive}` });
  }
  if (all("tdm-reservation").some(isReserved)) {
    found.push({ reason: "optout_tdmrep", said: "tdm-reservation: 1" });
  }
  for (const name of ["content-usage", "content-signal"]) {
    const said = all(name).join(", ");
    if (said !== "" && refusesTraining(said)) {
      found.push({ reason: "optout_content_usage", said: `${name}: ${said.slice(0, 100)}` });
    }
  }
  return found.filter(({ reason }) => !policy.ignored.has(reason));
}

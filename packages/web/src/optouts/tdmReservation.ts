import { longestMatchInTurns } from "../robots/isAllowed.js";
import { comparablePath } from "../robots/pathPattern.js";
import { ShortTurns } from "../shortTurns.js";

/** One entry of /.well-known/tdmrep.json (W3C TDM Reservation Protocol). */
export interface TdmRule {
  pattern: string;
  reserved: boolean;
}

/** Reads tdmrep.json; what is no list of rules holds no rules. */
export function parseTdmrep(text: string): TdmRule[] {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch {
    return [];
  }
  return (Array.isArray(json) ? json : [json]).flatMap((entry: unknown): TdmRule[] => {
    if (typeof entry !== "object" || entry === null) return [];
    const { location, "tdm-reservation": reservation } = entry as Record<string, unknown>;
    if (typeof location !== "string" || reservation === undefined) return [];
    const said = typeof reservation === "string" ? reservation : JSON.stringify(reservation);
    const pattern = location.startsWith("/") || location.startsWith("*") ? location : `/${location}`;
    return [{ pattern, reserved: isReserved(said) }];
  });
}

/** The rule whose location matches most of the path decides; of two equal ones the one that reserves. */
export async function tdmReserves(
  rules: readonly TdmRule[],
  url: URL,
  turns = new ShortTurns(),
): Promise<boolean> {
  const isReserved = ({ reserved }: TdmRule): boolean => reserved;
  const { rule, complete } = await longestMatchInTurns(rules, comparablePath(url), isReserved, turns);
  return !complete || (rule?.reserved ?? false);
}

/** The value of a `tdm-reservation` header or meta element: 1 reserves. */
export function isReserved(value: string): boolean {
  return /^\s*(1|true)\s*$/i.test(value);
}

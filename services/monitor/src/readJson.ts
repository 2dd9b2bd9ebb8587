import { UserError } from "@pairloom/config";
import { readBody } from "./readBody.js";

/** Of a body, unless a route takes more. */
export const mostBodyBytes = 1 << 20;
/** A query list of 500,000 lines is about 20 MB. */
export const mostSeedBytes = 64 << 20;
/** What is asked for here is flat; what is nested deeper only costs stack. */
const deepest = 32;

/**
 * The JSON body of a request.
 * @throws UserError "content_type_wrong", "body_not_json", "body_invalid", and those of `readBody`
 */
export async function readJson(request: Request, mostBytes = mostBodyBytes): Promise<unknown> {
  const type = (request.headers.get("content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase();
  if (type !== "application/json")
    throw new UserError("content_type_wrong", "Expected a JSON body with content-type application/json");
  const body = await readBody(request, mostBytes);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch (cause) {
    throw new UserError("body_not_json", "The body is not JSON", { cause });
  }
  checkShape(value, deepest);
  return value;
}

/** @throws UserError "body_invalid" for what no schema of ours takes, and some code would stumble over */
function checkShape(value: unknown, levels: number): void {
  if (typeof value !== "object" || value === null) return;
  if (levels === 0)
    throw new UserError("body_invalid", `The body's JSON is nested deeper than ${deepest} levels`);
  if (Object.hasOwn(value, "__proto__"))
    throw new UserError("body_invalid", "The body has a field named `__proto__`, which nothing here takes");
  for (const part of Object.values(value)) checkShape(part, levels - 1);
}

/** Leaves out keys whose value is undefined, as exact optional properties want. */
export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

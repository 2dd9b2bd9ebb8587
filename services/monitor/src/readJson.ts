import { UserError } from "@pairloom/config";

/** The JSON body of a request. @throws UserError "body_not_json" */
export async function readJson(request: Request): Promise<unknown> {
  if (!(request.headers.get("content-type") ?? "").startsWith("application/json"))
    throw new UserError("body_not_json", "Expected a JSON body with content-type application/json");
  try {
    return await request.json();
  } catch (cause) {
    throw new UserError("body_not_json", "The body is not JSON", { cause });
  }
}

/** Leaves out keys whose value is undefined, as exact optional properties want. */
export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

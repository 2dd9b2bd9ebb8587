import type { UserError } from "@pairloom/config";

/** How long the same trouble is not spoken of again. */
const quietMs = 60_000;

/** What stops a project's work for a while: a full disk, a Redis that can't be started again. */
export type Trouble = Pick<UserError, "code" | "message">;

/**
 * Tells of what stops the work for now, once a minute for as long as it lasts, however many processes meet it: each of
 * them tries on, so nobody has to start anything again.
 */
export function troubleNotice(
  print: (line: string) => void,
  now: () => number = Date.now,
): (trouble: Trouble) => void {
  const told = new Map<string, number>();
  return ({ code, message }) => {
    if (now() - (told.get(code) ?? -Infinity) < quietMs) return;
    told.set(code, now());
    const remedy = code === "disk_full" ? "Free some space" : "Mend that";
    print(`warning: ${message}. ${remedy}: the work goes on by itself then.`);
  };
}

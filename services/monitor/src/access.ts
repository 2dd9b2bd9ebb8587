import { timingSafeEqual } from "node:crypto";
import { UserError } from "@pairloom/config";
import type { MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";

const loopback = /^(127(\.\d{1,3}){3}|::1|\[::1\]|localhost)$/;
const cookieName = "pairloom_token";

export function isLoopback(host: string): boolean {
  return loopback.test(host);
}

/** @throws UserError where an address beyond loopback would be served without a token */
export function checkAccess(host: string, token: string | null): void {
  if (isLoopback(host) || token !== null) return;
  throw new UserError("token_required", `The dashboard on ${host} would be open to everyone who reaches it`, {
    hint: "Set PAIRLOOM_TOKEN to a long random text, or leave --host at 127.0.0.1.",
  });
}

/**
 * Who may pass: with a token, its bearer (header, `?token=` once, then a cookie). Without one, only requests that name
 * a loopback host, so that a page of another site can't reach in by DNS rebinding; and writing requests must come
 * from the dashboard itself or from no page at all.
 */
export function guardAccess(token: string | null): MiddlewareHandler {
  return async (c, next) => {
    const host = new URL(c.req.url).hostname;
    if (token === null && !isLoopback(host))
      return c.json({ error: { code: "host_refused", message: "unknown host" } }, 403);
    const origin = c.req.header("origin");
    if (c.req.method !== "GET" && origin !== undefined && new URL(c.req.url).host !== hostOf(origin))
      return c.json({ error: { code: "origin_refused", message: "another site may not write here" } }, 403);
    if (token !== null) {
      const asked = c.req.query("token");
      const given =
        c.req.header("authorization")?.replace(/^Bearer /, "") ?? asked ?? getCookie(c, cookieName);
      if (given === undefined || !sameText(given, token))
        return c.json(
          { error: { code: "token_wrong", message: "a token is required (?token=… or Authorization)" } },
          401,
        );
      if (asked !== undefined)
        setCookie(c, cookieName, token, { httpOnly: true, sameSite: "Strict", path: "/" });
    }
    return next();
  };
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

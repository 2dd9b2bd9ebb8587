import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { UserError } from "@pairloom/config";
import type { Context, MiddlewareHandler } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { loginPage } from "./loginPage.js";
import { readBody } from "./readBody.js";

const loopback = /^(127(\.\d{1,3}){3}|::1|\[::1\]|localhost)$/;
const cookieName = "pairloom_session";
/** A form with a token is small. */
const mostFormBytes = 8192;
const reading = new Set(["GET", "HEAD", "OPTIONS"]);

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
 * Who may pass. With a token: who gives it as `Authorization: Bearer`, in the login form, or once as `?token=`; the two
 * last get a cookie, and a page's address is loaded again without the token, so that it stays in no history and no
 * Referer. Without one, only requests that name a loopback host, so that a page of another site can't reach in by DNS
 * rebinding. Writing requests must come from the dashboard itself or from no page at all.
 */
export function guardAccess(token: string | null): MiddlewareHandler {
  return async (c, next) => {
    // not "no-referrer": a form would then be sent with the origin "null"
    c.header("referrer-policy", "same-origin");
    const { host, hostname } = new URL(c.req.url);
    if (token === null && !isLoopback(hostname))
      return c.json({ error: { code: "host_refused", message: "unknown host", hint: null } }, 403);
    if (!reading.has(c.req.method) && isForeign(c, host))
      return c.json(
        { error: { code: "origin_refused", message: "another site may not write here", hint: null } },
        403,
      );
    if (token === null) return next();
    if (c.req.method === "POST" && c.req.path === "/login") return login(c, token);
    const asked = c.req.query("token");
    const bearer = /^Bearer +(.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    const given = bearer ?? asked;
    const cookie = getCookie(c, cookieName);
    const passes =
      given === undefined
        ? cookie !== undefined && sameText(cookie, sessionOf(token))
        : sameText(given, token);
    if (!passes) return refuse(c, given !== undefined);
    if (asked !== undefined) {
      startSession(c, token);
      if (isPage(c)) return c.redirect(withoutToken(c.req.url), 303);
    }
    return next();
  };
}

/** True where a browser says that another site's page sends this. */
function isForeign(c: Context, host: string): boolean {
  const site = c.req.header("sec-fetch-site");
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  const origin = c.req.header("origin");
  return origin !== undefined && hostOf(origin) !== host;
}

/** The form's answer: a session and the page, or the form again. */
async function login(c: Context, token: string): Promise<Response> {
  const form = new URLSearchParams((await readBody(c.req.raw, mostFormBytes)).toString("utf8"));
  if (!sameText(form.get("token") ?? "", token)) return refuse(c, true);
  startSession(c, token);
  return c.redirect("/", 303);
}

function startSession(c: Context, token: string): void {
  c.header("cache-control", "no-store");
  setCookie(c, cookieName, sessionOf(token), { httpOnly: true, sameSite: "Strict", path: "/" });
}

function refuse(c: Context, wrong: boolean): Response | Promise<Response> {
  c.header("cache-control", "no-store");
  if (isPage(c) || c.req.path === "/login") return c.html(loginPage(wrong), 401);
  c.header("www-authenticate", "Bearer");
  const message = wrong ? "That is not the token" : "A token is required";
  const hint =
    "Send it as `Authorization: Bearer TOKEN`; it is PAIRLOOM_TOKEN of the process that serves this.";
  return c.json({ error: { code: "token_wrong", message, hint } }, 401);
}

/** What a person opens in a browser, not what a page or a program asks for. */
function isPage(c: Context): boolean {
  return (
    c.req.method === "GET" &&
    !c.req.path.startsWith("/api/") &&
    (c.req.header("accept") ?? "").includes("text/html")
  );
}

function withoutToken(url: string): string {
  const { pathname, searchParams } = new URL(url);
  searchParams.delete("token");
  const query = searchParams.toString();
  // one slash: two would be the address of another host
  return `${pathname.replace(/^\/+/, "/")}${query === "" ? "" : `?${query}`}`;
}

/** What the cookie holds: made from the token, which can't be made from it. */
function sessionOf(token: string): string {
  return createHmac("sha256", token).update("pairloom session").digest("hex");
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

/** Compares in a time that says nothing of where, or in what length, two texts differ. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

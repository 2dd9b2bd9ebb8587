import { UserError } from "@pairloom/config";
import type { Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "zod";

/** Status codes of errors that are about the request itself, or about what its path names. */
const statusOf: ReadonlyMap<string, ContentfulStatusCode> = new Map([
  ["run_missing", 404],
  ["run_exists", 409],
  ["release_exists", 409],
  ["body_too_slow", 408],
  ["body_too_large", 413],
  ["content_type_wrong", 415],
  ["redis_forgot", 503],
  ["disk_full", 507],
]);

/** An error as JSON, `{error: {code, message, hint}}`: 4xx where the request is what must change. */
export function answerError(error: Error, c: Context): Response {
  if (error instanceof UserError) {
    const { code, message, hint } = error;
    const status = statusOf.get(code) ?? (/^run_is_/.test(code) ? 409 : 400);
    // the rest of a body that nobody reads would be taken for the next request
    if (status === 408 || status === 413) c.header("connection", "close");
    return c.json({ error: { code, message, hint } }, status);
  }
  if (error instanceof z.ZodError)
    return c.json({ error: { code: "body_invalid", message: z.prettifyError(error), hint: null } }, 400);
  return c.json({ error: { code: "unexpected", message: error.message, hint: null } }, 500);
}

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/** What isn't there: 405 with the methods that are, where the path is right, else 404. */
export function answerNotFound(app: Hono): (c: Context) => Response {
  return (c) => {
    const { path } = c.req;
    const allowed = methods.filter((method) =>
      app.router.match(method, path)[0].some(([[, route]]) => route.method === method),
    );
    const asked = c.req.method === "HEAD" ? "GET" : c.req.method;
    if (allowed.length === 0 || allowed.includes(asked)) return notFound(c);
    c.header("allow", allowed.join(", "));
    const message = `${path} takes ${allowed.join(" or ")}`;
    return c.json({ error: { code: "method_wrong", message, hint: null } }, 405);
  };
}

/** 404 for what a path names. */
export function notFound(c: Context, code = "not_found"): Response {
  return c.json({ error: { code, message: `there is nothing at ${c.req.path}`, hint: null } }, 404);
}

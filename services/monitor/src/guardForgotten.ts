import { RedisForgotError, type Road } from "@pairloom/queue";
import type { MiddlewareHandler } from "hono";

/** Where Redis lost the project's data no answer would be true: 503, with what to do. The stream of events says so itself. */
export function guardForgotten(road: Road): MiddlewareHandler {
  return async (c, next) => {
    if (c.req.path.endsWith("/api/events")) return next();
    try {
      await road.checkEpoch();
    } catch (error) {
      if (!(error instanceof RedisForgotError)) throw error;
      const { code, message, hint } = error;
      return c.json({ error: { code, message, hint } }, 503);
    }
    return next();
  };
}

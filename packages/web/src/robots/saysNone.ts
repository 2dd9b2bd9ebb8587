import type { WebNo } from "../webAnswer.js";

/** True where the answer to a robots.txt means that there is none: 4xx, nothing in it, more than five redirects. */
export function saysNone({ reason, httpStatus }: WebNo): boolean {
  if (reason === "redirect_limit" || reason === "empty_body") return true;
  // A part of it (206) says that there is one.
  if (httpStatus === 206) return false;
  if (httpStatus !== null && httpStatus >= 200 && httpStatus < 300 && reason === "http_other") return true;
  // 429 says "later", not "there is none".
  return reason.startsWith("http_4") && httpStatus !== 429;
}

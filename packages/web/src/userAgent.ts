import type { WebSettings } from "@pairloom/config";

const version = "0.1";

/** "pairloom/0.1 (+https://example.org/contact)": who asks, and where a webmaster reaches them. */
export function userAgent(settings: Pick<WebSettings, "userAgentToken" | "contact">): string {
  const product = `${settings.userAgentToken}/${version}`;
  const contact = settings.contact?.replace(/[^\x20-\x7e]|[()\\]/g, "").trim() ?? "";
  return contact === "" ? product : `${product} (+${contact})`;
}

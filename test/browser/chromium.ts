import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const executablePath = "/usr/bin/chromium";

/** Why these tests can't run here; null where they can. */
export const chromiumMissing = existsSync(executablePath) ? null : "Debian's chromium is not installed";

/** A browser that asks nothing but what it is told to. */
export function openChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

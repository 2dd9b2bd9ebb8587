import type { ChildProcess } from "node:child_process";
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

/** Where `pairloom up` says that its dashboard is. @throws Error with what it said, where it ends instead */
export function dashboardUrl(up: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    up.stderr?.on("data", (chunk) => {
      said += String(chunk);
      const found = /Dashboard: (\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    up.on("close", () => reject(new Error(said)));
  });
}

#!/usr/bin/env node
// The launcher: plain JavaScript, so that it runs before anything is built. In a checkout it builds what is stale; an
// installed package has no sources, and nothing outside its own folder tells it otherwise.
import { existsSync } from "node:fs";

if (existsSync(new URL("../src/main.ts", import.meta.url))) {
  const { ensureBuilt } = await import("./ensureBuilt.js");
  await ensureBuilt();
}
await import("../dist/main.js");

#!/usr/bin/env node
// The launcher: plain JavaScript, so that it runs before anything is built. Builds what is stale, then starts the CLI.
import { ensureBuilt } from "./ensureBuilt.js";

await ensureBuilt();
await import("../dist/main.js");

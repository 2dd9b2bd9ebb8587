import { defineConfig } from "vitest/config";

/** Suites beyond `unit` need more than Node and npm (Python, g++, nginx, Chromium …); each says why where it skips. */
const suite = (name: string, include: string[], timeoutMs: number, { filesAtOnce = 1 } = {}) => ({
  test: {
    name,
    include,
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    pool: "forks" as const,
    fileParallelism: filesAtOnce > 1,
    maxWorkers: filesAtOnce,
  },
});

export default defineConfig({
  test: {
    projects: [
      suite("unit", ["packages/*/test/**/*.test.ts", "services/*/test/**/*.test.ts"], 30_000, {
        filesAtOnce: 2,
      }),
      suite("road", ["test/road/**/*.test.ts"], 900_000, { filesAtOnce: 2 }),
      suite("faults", ["test/faults/**/*.test.ts"], 1_800_000, { filesAtOnce: 2 }),
      suite("engines", ["test/engines/**/*.test.ts"], 900_000),
      suite("interop", ["test/interop/**/*.test.ts"], 900_000, { filesAtOnce: 2 }),
      suite("sites", ["test/sites/**/*.test.ts"], 900_000),
      suite("browser", ["test/browser/**/*.test.ts"], 300_000),
    ],
  },
});

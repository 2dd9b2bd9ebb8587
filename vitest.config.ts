import { configDefaults, defineConfig } from "vitest/config";

/** Suites beyond `unit` need more than Node and npm (Python, g++, nginx, Chromium …); each says why where it skips. */
const suite = (
  name: string,
  include: string[],
  timeoutMs: number,
  { filesAtOnce = 1, exclude = [] as string[] } = {},
) => ({
  test: {
    name,
    include,
    exclude: [...configDefaults.exclude, ...exclude],
    testTimeout: timeoutMs,
    hookTimeout: timeoutMs,
    pool: "forks" as const,
    fileParallelism: filesAtOnce > 1,
    maxWorkers: filesAtOnce,
  },
});

/** Its hosts' timeouts and gaps must be the web's doing, not a busy machine's. */
const soak = "test/faults/fetchSoak.test.ts";

export default defineConfig({
  test: {
    projects: [
      suite("unit", ["packages/*/test/**/*.test.ts", "services/*/test/**/*.test.ts"], 30_000, {
        filesAtOnce: 2,
      }),
      suite("road", ["test/road/**/*.test.ts"], 900_000, { filesAtOnce: 2 }),
      suite("faults", ["test/faults/**/*.test.ts"], 1_800_000, { filesAtOnce: 2, exclude: [soak] }),
      suite("soak", [soak], 1_800_000),
      suite("engines", ["test/engines/**/*.test.ts"], 900_000),
      suite("interop", ["test/interop/**/*.test.ts"], 900_000, { filesAtOnce: 2 }),
      suite("sites", ["test/sites/**/*.test.ts"], 900_000),
      suite("package", ["test/package/**/*.test.ts"], 600_000),
      suite("browser", ["test/browser/**/*.test.ts"], 300_000),
    ],
  },
});

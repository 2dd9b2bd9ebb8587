import { projectSettings, type ProjectSettings } from "@pairloom/config";
import type { DemoWeb } from "@pairloom/sources";

/** A project that crawls the demo web in small chunks, so that there is much to kill. */
export function crawlSettings(web: DemoWeb): ProjectSettings {
  return projectSettings.parse({
    project: "kill",
    sources: [{ kind: "search", name: "demo-search", url: web.searchUrl, pageSize: 50 }],
    web: {
      allowPrivate: ["127.0.0.0/8"],
      hostGapMs: 2,
      addressGapMs: 0,
      crawlDelayCapMs: 20,
      timeoutMs: 3000,
      retries: 1,
      backoffMs: 50,
      concurrency: 16,
      // A host that is set aside depends on what came first; this test compares every reason.
      hostFailureLimit: 1_000_000,
    },
    image: { imageSize: 64, resizeMode: "keep_ratio", resizeOnlyIfBigger: true },
    expandChunk: 10,
    crawlChunk: 10,
    fetchChunk: 25,
  });
}

/** A small seeded generator (mulberry32): numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

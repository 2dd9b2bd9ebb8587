import { projectSettings, type ProjectSettings } from "@pairloom/config";

/** The demo's project: a web on loopback that is our own may be asked quickly, and says so here. */
export function demoSettings(seed: number, searchUrl: string): ProjectSettings {
  return projectSettings.parse({
    project: `demo-${seed}`,
    sources: [{ kind: "search", name: "demo-search", url: searchUrl, pageSize: 100 }],
    web: {
      allowPrivate: ["127.0.0.0/8"],
      hostGapMs: demoHostGapMs,
      addressGapMs: 0,
      crawlDelayCapMs: 20,
      timeoutMs: 3000,
      retries: 1,
      backoffMs: 100,
      concurrency: 48,
    },
    image: { imageSize: 64, resizeMode: "keep_ratio", resizeOnlyIfBigger: true },
    expandChunk: 20,
    crawlChunk: 50,
    fetchChunk: 200,
  });
}

/** Between two requests to one host of the demo web; the default elsewhere is a second. */
export const demoHostGapMs = 1;

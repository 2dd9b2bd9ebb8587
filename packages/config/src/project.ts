import { z } from "zod";

const cidr = z
  .string()
  .regex(/^[0-9a-fA-F:.]+\/\d{1,3}$/, 'expected an address block such as "127.0.0.0/8" or "::1/128"');

/** One place where candidates come from. */
export const sourceConfig = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("search"),
    name: z.string().min(1),
    /** GET template; {query}, {offset} and {limit} are replaced (percent-encoded). Answers `searchAnswer` JSON. */
    url: z.string().min(1),
    pageSize: z.int().min(1).max(1000).default(100),
  }),
  z.strictObject({
    kind: z.literal("site"),
    name: z.string().min(1),
    /** Where the crawl of a site starts; pages below its host and path are followed. */
    url: z.string().min(1),
    followLinks: z.boolean().default(true),
    useSitemaps: z.boolean().default(true),
    maxPages: z.int().min(1).default(100_000),
  }),
]);
export type SourceConfig = z.infer<typeof sourceConfig>;

export const resizeModes = ["no", "border", "keep_ratio", "keep_ratio_largest", "center_crop"] as const;
export const encodeFormats = ["jpg", "png", "webp"] as const;
export const codecChoices = ["auto", "libvips"] as const;

/** How pictures are asked for: the settings of packages/web. */
export const webSettings = z.strictObject({
  /** The product token of our User-Agent, also the name looked for in robots.txt. */
  userAgentToken: z
    .string()
    .regex(/^[A-Za-z_-]+$/)
    .default("pairloom"),
  /** A URL or e-mail address where a webmaster reaches the operator. Needed beyond loopback. */
  contact: z.string().nullable().default(null),
  /** Further tokens whose robots.txt rules are obeyed as if they were ours. */
  alsoObey: z.array(z.string()).default([]),
  /** Address blocks that may be reached although they are private. */
  allowPrivate: z.array(cidr).default([]),
  allowedPorts: z.array(z.int().min(1).max(65535)).default([80, 443, 8080, 8443]),
  hostGapMs: z.int().min(0).default(1000),
  addressGapMs: z.int().min(0).default(100),
  crawlDelayCapMs: z.int().min(0).default(30_000),
  timeoutMs: z.int().min(100).default(10_000),
  retries: z.int().min(0).max(10).default(2),
  backoffMs: z.int().min(1).default(500),
  maxRedirects: z.int().min(0).max(20).default(20),
  maxBytes: z.int().min(1).default(20_000_000),
  maxInflatedBytes: z.int().min(1).default(40_000_000),
  /** Consecutive failures to reach a host before it is set aside. */
  hostFailureLimit: z.int().min(1).default(50),
  concurrency: z.int().min(1).default(64),
  obeyRobots: z.boolean().default(true),
  obeyOptOuts: z.boolean().default(true),
  /** Single opt-outs that are not heeded although `obeyOptOuts` is on. */
  ignoreOptOuts: z
    .array(
      z.enum([
        "optout_page_meta",
        "optout_page_header",
        "optout_x_robots_tag",
        "optout_tdmrep",
        "optout_ai_txt",
        "optout_content_usage",
      ]),
    )
    .default([]),
  /** Directives of X-Robots-Tag and meta robots that keep an image out. */
  optOutDirectives: z.array(z.string()).default(["noai", "noimageai", "noindex", "noimageindex", "none"]),
  /** Name servers to ask ("9.9.9.9", "[2620:fe::fe]:53"); empty: the system's. */
  dnsServers: z.array(z.string()).default([]),
});
export type WebSettings = z.infer<typeof webSettings>;

export const imageSettings = z.strictObject({
  imageSize: z.int().min(1).max(8192).default(256),
  resizeMode: z.enum(resizeModes).default("border"),
  resizeOnlyIfBigger: z.boolean().default(false),
  encodeFormat: z.enum(encodeFormats).default("jpg"),
  encodeQuality: z.int().min(0).max(100).default(95),
  /** Keep a file's own bytes where nothing would be scaled, turned or flattened and the format is the wanted one. */
  skipReencode: z.boolean().default(false),
  minImageSize: z.int().min(0).default(0),
  maxImageArea: z.number().positive().default(Number.MAX_SAFE_INTEGER),
  maxAspectRatio: z.number().positive().default(Number.MAX_SAFE_INTEGER),
  /** Pixels by the header before anything is decoded. */
  maxHeaderPixels: z.int().min(1).default(100_000_000),
  computePdq: z.boolean().default(true),
  /** "auto": this machine's libjpeg-turbo and libwebp where it has them; "libvips": the same bytes on every machine. */
  codecs: z.enum(codecChoices).default("auto"),
});
export type ImageSettings = z.infer<typeof imageSettings>;

export const dedupeSettings = z.strictObject({
  /** PDQ: within this Hamming distance (of 256) two pictures are one. */
  radius: z.int().min(0).max(31).default(31),
  /** PDQ hashes of this quality and below are too flat to compare. */
  minQuality: z.int().min(0).max(100).default(49),
  /** The layers, each of which may be switched off. */
  url: z.boolean().default(true),
  bytes: z.boolean().default(true),
  near: z.boolean().default(true),
  pairs: z.boolean().default(true),
  placeholders: z.boolean().default(true),
  /** One picture behind at least this many URLs with at least `placeholderCaptions` different captions is a placeholder. */
  placeholderUrls: z.int().min(2).default(20),
  placeholderCaptions: z.int().min(2).default(10),
  /** PDQ: within this distance of a picture on a blocklist a picture is blocked. */
  blocklistRadius: z.int().min(0).max(31).default(31),
  /** PDQ: within this distance of an evaluation picture a picture is contamination. */
  decontaminateRadius: z.int().min(0).max(31).default(31),
});
export type DedupeSettings = z.infer<typeof dedupeSettings>;

/** A hold-out rule: a sample is held out if any of its texts matches. */
export const holdOutRule = z.strictObject({
  name: z.string().min(1),
  /** A regular expression, case-insensitive. */
  pattern: z.string().min(1),
});
export type HoldOutRule = z.infer<typeof holdOutRule>;

export const releaseSettings = z.strictObject({
  samplesPerShard: z.int().min(1).default(10_000),
  maxPairsPerQuery: z.int().min(1).default(20_000),
  maxCaptionRepeats: z.int().min(1).default(Number.MAX_SAFE_INTEGER),
  minCaptionCharacters: z.int().min(1).default(5),
  seed: z.int().default(0),
  holdOut: z.array(holdOutRule).default([]),
  dedupe: dedupeSettings.prefault({}),
});
export type ReleaseSettings = z.infer<typeof releaseSettings>;

/** Lists that every release of a project obeys: paths, relative ones from the project's folder. */
export const barListPaths = z.strictObject({
  /** Files of hashes, hosts and URLs that must not be released. */
  blocklist: z.array(z.string().min(1)).default([]),
  /** Evaluation sets: folders of pictures, tars, lists of hashes. */
  decontaminate: z.array(z.string().min(1)).default([]),
});
export type BarListPaths = z.infer<typeof barListPaths>;

/** `pairloom.json` in a project's folder: everything that shapes its data. */
export const projectSettings = z.strictObject({
  version: z.literal(1).default(1),
  /** Prefix of this project's keys in Redis. */
  project: z.string().regex(/^[a-z0-9-]{1,40}$/),
  sources: z.array(sourceConfig).default([]),
  web: webSettings.prefault({}),
  image: imageSettings.prefault({}),
  release: releaseSettings.prefault({}),
  lists: barListPaths.prefault({}),
  /** Candidates in one fetch job. */
  fetchChunk: z.int().min(1).max(500).default(200),
  /** Pages in one crawl job. */
  crawlChunk: z.int().min(1).max(500).default(50),
  /** Queries in one expand job. */
  expandChunk: z.int().min(1).max(500).default(20),
  /** Candidates asked for per query. */
  maxCandidatesPerQuery: z.int().min(1).default(20_000),
});
export type ProjectSettings = z.infer<typeof projectSettings>;

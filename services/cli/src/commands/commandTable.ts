import type { Command } from "commander";

/** A command as the whole command line's help shows it, and how to load it. */
export interface CommandEntry {
  /** What follows its name in that help: "[options]" where it has options, and its arguments. */
  usage: string;
  /** Its own description. */
  summary: string;
  /** Imports the command. Its module imports what its options need; its action imports the rest. */
  load: () => Promise<(program: Command) => void>;
}

/**
 * Every command under its heading, in the order of the help. What a command's own module says stands here once more, so that
 * the help of them all needs none of them; test/program.test.ts compares both.
 */
export const commandTable: Readonly<Record<string, Readonly<Record<string, CommandEntry>>>> = {
  "The road:": {
    demo: {
      usage: "[options]",
      summary: "the whole road on a small web that it serves itself, then ask the model",
      load: async () => (await import("./demo.js")).addDemoCommand,
    },
    seed: {
      usage: "[options] [file]",
      summary: "put a query list, or a site to crawl, on the road",
      load: async () => (await import("./seed.js")).addSeedCommand,
    },
    up: {
      usage: "[options]",
      summary: "run all services and the dashboard",
      load: async () => (await import("./up.js")).addUpCommand,
    },
    status: {
      usage: "[options]",
      summary: "the funnel and the queues",
      load: async () => (await import("./status.js")).addStatusCommand,
    },
    fetch: {
      usage: "[options]",
      summary: "a URL list straight to shards, with img2dataset's options",
      load: async () => (await import("./fetch.js")).addFetchCommand,
    },
    release: {
      usage: "[options]",
      summary: "deduplicate, balance and write webdataset shards of everything fetched so far",
      load: async () => (await import("./release.js")).addReleaseCommand,
    },
    train: {
      usage: "[options]",
      summary: "train a two-tower CLIP on a release (or on any webdataset shards)",
      load: async () => (await import("./train.js")).addTrainCommand,
    },
    jobs: {
      usage: "",
      summary: "training jobs: launch, list, watch, pause, resume, cancel, clone",
      load: async () => (await import("./jobs.js")).addJobsCommand,
    },
    checkpoints: {
      usage: "",
      summary: "list, fetch, bring in, hand out and check what trainings have written",
      load: async () => (await import("./checkpoints.js")).addCheckpointsCommand,
    },
    eval: {
      usage: "",
      summary: "zero-shot accuracy, retrieval and linear probe of a checkpoint, in CLIP_benchmark's form",
      load: async () => (await import("./eval.js")).addEvalCommand,
    },
    search: {
      usage: "[options] [sentence]",
      summary: "find pictures or texts of a release for a sentence or a picture",
      load: async () => (await import("./search.js")).addSearchCommand,
    },
    worker: {
      usage: "[options] <stage>",
      summary: "run one service alone (what `up` runs for each, and what a container runs)",
      load: async () => (await import("./worker.js")).addWorkerCommand,
    },
  },
  "What works here:": {
    doctor: {
      usage: "[options]",
      summary: "check Node, Redis, engines, disk and picture formats",
      load: async () => (await import("./doctor.js")).addDoctorCommand,
    },
    engine: {
      usage: "",
      summary: "the engines that compute: list, install, bench",
      load: async () => (await import("./engine.js")).addEngineCommand,
    },
  },
  "The parts alone:": {
    tokenize: {
      usage: "[options] [file]",
      summary: "CLIP's byte-pair encoding: a line of text in, its ids out (start and end token included)",
      load: async () => (await import("./tokenize.js")).addTokenizeCommand,
    },
    model: {
      usage: "[options] [name]",
      summary: "a model's parameters, state keys, FLOPs and memory, without allocating it",
      load: async () => (await import("./model.js")).addModelCommand,
    },
    embed: {
      usage: "[options]",
      summary: "features of images and texts, normalised, as a safetensors file",
      load: async () => (await import("./embed.js")).addEmbedCommand,
    },
    extract: {
      usage: "[options] <page>",
      summary: "the images of a page with every text that describes them",
      load: async () => (await import("./extract.js")).addExtractCommand,
    },
    robots: {
      usage: "[options] <robots> <url...>",
      summary: "what a robots.txt says of some URLs",
      load: async () => (await import("./robots.js")).addRobotsCommand,
    },
    hash: {
      usage: "[options] <image...>",
      summary: "sha256 and PDQ hash of pictures",
      load: async () => (await import("./hash.js")).addHashCommand,
    },
    doubles: {
      usage: "[options] <parquet...>",
      summary: "every pair of near duplicates among the rows of parquet files with a column pdq",
      load: async () => (await import("./doubles.js")).addDoublesCommand,
    },
    shards: {
      usage: "",
      summary: "tools for finished shards: verify, repair, inspect",
      load: async () => (await import("./shards.js")).addShardsCommand,
    },
  },
};

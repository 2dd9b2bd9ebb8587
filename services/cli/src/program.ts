import { readFileSync } from "node:fs";
import { Command } from "commander";

type AddCommand = (program: Command) => void;

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** Each command is imported when it is wanted: alone it starts in half the time that all of them take. */
const groups: Record<string, Record<string, () => Promise<AddCommand>>> = {
  "The road:": {
    demo: async () => (await import("./commands/demo.js")).addDemoCommand,
    seed: async () => (await import("./commands/seed.js")).addSeedCommand,
    up: async () => (await import("./commands/up.js")).addUpCommand,
    status: async () => (await import("./commands/status.js")).addStatusCommand,
    fetch: async () => (await import("./commands/fetch.js")).addFetchCommand,
    release: async () => (await import("./commands/release.js")).addReleaseCommand,
    train: async () => (await import("./commands/train.js")).addTrainCommand,
    jobs: async () => (await import("./commands/jobs.js")).addJobsCommand,
    checkpoints: async () => (await import("./commands/checkpoints.js")).addCheckpointsCommand,
    eval: async () => (await import("./commands/eval.js")).addEvalCommand,
    search: async () => (await import("./commands/search.js")).addSearchCommand,
    worker: async () => (await import("./commands/worker.js")).addWorkerCommand,
  },
  "What works here:": {
    doctor: async () => (await import("./commands/doctor.js")).addDoctorCommand,
    engine: async () => (await import("./commands/engine.js")).addEngineCommand,
  },
  "The parts alone:": {
    tokenize: async () => (await import("./commands/tokenize.js")).addTokenizeCommand,
    model: async () => (await import("./commands/model.js")).addModelCommand,
    embed: async () => (await import("./commands/embed.js")).addEmbedCommand,
    extract: async () => (await import("./commands/extract.js")).addExtractCommand,
    robots: async () => (await import("./commands/robots.js")).addRobotsCommand,
    hash: async () => (await import("./commands/hash.js")).addHashCommand,
    doubles: async () => (await import("./commands/doubles.js")).addDoublesCommand,
    shards: async () => (await import("./commands/shards.js")).addShardsCommand,
  },
};

/** The command line: the whole of it, or with one command alone where `wanted` is one's name. */
export async function createProgram(wanted?: string): Promise<Command> {
  const program = new Command("pairloom")
    .description("From a query list to a CLIP model: gather image–text pairs, deduplicate, shard, train.")
    .version(version)
    .showHelpAfterError("(--help shows the options and an example)")
    .exitOverride()
    .addHelpText(
      "after",
      "\nStart here:\n  $ pairloom demo     # the whole road, on a small web that it serves itself\n",
    );
  const isCommand = Object.values(groups).some(
    (commands) => wanted !== undefined && Object.hasOwn(commands, wanted),
  );
  for (const [title, commands] of Object.entries(groups)) {
    program.commandsGroup(title);
    for (const [name, load] of Object.entries(commands))
      if (!isCommand || name === wanted) (await load())(program);
  }
  return program;
}

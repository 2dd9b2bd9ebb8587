import { readFileSync } from "node:fs";
import { Command } from "commander";
import { addCheckpointsCommand } from "./commands/checkpoints.js";
import { addDemoCommand } from "./commands/demo.js";
import { addDoctorCommand } from "./commands/doctor.js";
import { addDoublesCommand } from "./commands/doubles.js";
import { addEmbedCommand } from "./commands/embed.js";
import { addEngineCommand } from "./commands/engine.js";
import { addEvalCommand } from "./commands/eval.js";
import { addExtractCommand } from "./commands/extract.js";
import { addFetchCommand } from "./commands/fetch.js";
import { addHashCommand } from "./commands/hash.js";
import { addJobsCommand } from "./commands/jobs.js";
import { addModelCommand } from "./commands/model.js";
import { addReleaseCommand } from "./commands/release.js";
import { addRobotsCommand } from "./commands/robots.js";
import { addSearchCommand } from "./commands/search.js";
import { addSeedCommand } from "./commands/seed.js";
import { addShardsCommand } from "./commands/shards.js";
import { addStatusCommand } from "./commands/status.js";
import { addTokenizeCommand } from "./commands/tokenize.js";
import { addTrainCommand } from "./commands/train.js";
import { addUpCommand } from "./commands/up.js";
import { addWorkerCommand } from "./commands/worker.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command("pairloom")
    .description("From a query list to a CLIP model: gather image–text pairs, deduplicate, shard, train.")
    .version(version)
    .showHelpAfterError("(--help shows the options and an example)")
    .exitOverride()
    .addHelpText(
      "after",
      "\nStart here:\n  $ pairloom demo     # the whole road, on a small web that it serves itself\n",
    );
  program.commandsGroup("The road:");
  for (const add of [
    addDemoCommand,
    addSeedCommand,
    addUpCommand,
    addStatusCommand,
    addFetchCommand,
    addReleaseCommand,
    addTrainCommand,
    addJobsCommand,
    addCheckpointsCommand,
    addEvalCommand,
    addSearchCommand,
    addWorkerCommand,
  ])
    add(program);
  program.commandsGroup("What works here:");
  for (const add of [addDoctorCommand, addEngineCommand]) add(program);
  program.commandsGroup("The parts alone:");
  for (const add of [
    addTokenizeCommand,
    addModelCommand,
    addEmbedCommand,
    addExtractCommand,
    addRobotsCommand,
    addHashCommand,
    addDoublesCommand,
    addShardsCommand,
  ])
    add(program);
  return program;
}

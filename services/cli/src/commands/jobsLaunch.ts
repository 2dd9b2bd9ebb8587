import { resolve } from "node:path";
import type { TrainingPriority } from "@pairloom/service-monitor";
import { Command, Option } from "commander";
import { projectPaths } from "../project/trainingPaths.js";
import { createSay } from "../terminal/say.js";
import { launcherKeys } from "./launcherOptions.js";
import { dirOption, jsonOption } from "./options.js";
import { addTrainCommand } from "./train.js";
import { withProject } from "./withProject.js";

interface LaunchOptions extends Record<string, unknown> {
  dir: string;
  json?: boolean;
  release?: string;
  run?: string;
  device?: string;
  priority?: TrainingPriority;
  set?: Record<string, unknown>;
}

/** Options of `pairloom train` that the queue decides, that say where it prints, or that hand the training to another program. */
const notForJobs: ReadonlySet<string> = new Set(["data", "out", "resume", "json", ...launcherKeys]);

/** `pairloom jobs launch` and `clone`: they take every setting that `pairloom train` has, by the same options. */
export function addJobsLaunchCommands(jobs: Command): void {
  const trains = new Command();
  addTrainCommand(trains);
  const settings = trains.commands[0]!.options.filter((option) => {
    const name = option.attributeName();
    return !notForJobs.has(name) && !launcherKeys.has(name);
  });
  const launch = jobs
    .command("launch")
    .description("queue a training")
    .addOption(dirOption())
    .option("--release <name>", "a release of the project")
    .option("--data <folder>", "or any folder of webdataset shards")
    .action((options: LaunchOptions) =>
      withProject(options, async (project) => {
        const { launchTraining } = await import("../project/trainProject.js");
        const { release, ...rest } = options;
        const { given, changes } = split(rest, project.dir);
        const wish = { ...changes, settings: given, ...(release === undefined ? {} : { release }) };
        const launched = await launchTraining(project, wish);
        createSay(options.json ?? false).result(launched, said(launched.run, options.dir));
      }),
    );
  const clone = jobs
    .command("clone")
    .description("queue another training with the settings of a run, and with changes")
    .argument("<run>", "the run whose settings are taken")
    .addOption(dirOption())
    .action((run: string, options: LaunchOptions) =>
      withProject(options, async (project) => {
        const { cloneTraining } = await import("../project/trainProject.js");
        const { given, changes } = split(options, project.dir);
        const cloned = await cloneTraining(project, run, { ...changes, settings: given });
        createSay(options.json ?? false).result(cloned, said(cloned.run, options.dir));
      }),
    );
  for (const command of [launch, clone]) {
    command
      .option("--run <name>", "the new run's name; the next number by default")
      .option("--device <name>", "cpu, gpu:0, webgpu:0 …; what the engine takes by default")
      .addOption(new Option("--priority <name>", "who goes first").choices(["high", "normal", "low"]));
    for (const option of settings) command.addOption(withoutDefault(option, command === launch));
    command.addOption(jsonOption());
  }
  launch.addHelpText(
    "after",
    `
Examples:
  $ pairloom jobs launch --dir data --release r0001
  $ pairloom jobs launch --dir data --release r0001 --evaluate-every 100 --evaluate-data data/releases/held-out
  $ pairloom jobs launch --dir data --data /shards/cc3m --model ViT-B-32 --device gpu:0 --priority high
`,
  );
  clone.addHelpText(
    "after",
    `
Examples:
  $ pairloom jobs clone run-0001 --dir data --set lr=1e-3 --set batchSize=32
  $ pairloom jobs clone run-0001 --dir data --seed 7 --run second-seed
`,
  );
}

/** A clone must not be given a default in the place of what the run had. */
function withoutDefault(option: Option, keep: boolean): Option {
  if (keep || option.defaultValue === undefined || option.negate) return option;
  const copy = new Option(option.flags, option.description);
  if (option.parseArg !== undefined) copy.argParser(option.parseArg);
  return copy;
}

function split(
  { dir: _dir, json: _json, run, device, priority, set, ...options }: LaunchOptions,
  dir: string,
) {
  const { tensorboard, ...rest } = options;
  const settings = { ...rest, ...(tensorboard === false ? { tensorboard } : {}), ...set };
  return {
    given: projectPaths(dir, resolve("."), settings),
    changes: {
      ...(run === undefined ? {} : { run }),
      ...(device === undefined ? {} : { device }),
      ...(priority === undefined ? {} : { priority }),
    },
  };
}

const said = (run: string, dir: string) =>
  `${run} is queued. Watch it: pairloom jobs watch ${run} --dir ${dir}`;

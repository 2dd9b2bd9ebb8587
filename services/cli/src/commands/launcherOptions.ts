import { UserError } from "@pairloom/config";
import type { LaunchSettingsInput } from "@pairloom/training";
import { type Command, Option } from "commander";
import { wholeNumber } from "./options.js";

/** The options of `pairloom train` that hand the training to open_clip, as commander gives them. */
export interface LauncherOptions {
  launcher?: LaunchSettingsInput["launcher"];
  processes?: number;
  nodes?: number;
  workers?: number;
  accumulate?: number;
  logEvery?: number;
  resampled?: boolean;
  device?: "auto" | "cpu" | "cuda";
  python?: string;
  rendezvous?: string;
  partition?: string;
  account?: string;
  time?: string;
  image?: string;
  namespace?: string;
  claim?: string;
  mount?: string;
  dryRun?: boolean;
  submit?: boolean;
  follow?: boolean;
}

/** Adds them, under a heading of their own. */
export function addLauncherOptions(command: Command): void {
  command.optionsGroup("On more than one device or machine, by open_clip:");
  for (const option of [
    new Option("--launcher <name>", "hand the training to open_clip under torchrun").choices([
      "torchrun",
      "slurm",
      "kubernetes",
    ]),
    new Option("--processes <n>", "processes on each node, one for each GPU (1)").argParser(wholeNumber(1)),
    new Option("--nodes <n>", "machines (1)").argParser(wholeNumber(1)),
    new Option("--workers <n>", "loader processes of each process").argParser(wholeNumber(0)),
    new Option("--accumulate <n>", "micro-batches in a step (1)").argParser(wholeNumber(1)),
    new Option("--log-every <n>", "steps between two lines of its log (10)").argParser(wholeNumber(1)),
    new Option("--resampled", "draw shards with replacement, for many machines and few shards"),
    new Option("--device <name>", "what the processes compute on (auto)").choices(["auto", "cpu", "cuda"]),
    new Option("--python <path>", "the Python that has open_clip (PAIRLOOM_PYTORCH, or python3)"),
    new Option("--rendezvous <host:port>", "torchrun on several nodes: where they meet"),
    new Option("--partition <name>", "Slurm's partition"),
    new Option("--account <name>", "Slurm's account"),
    new Option("--time <limit>", "Slurm's time limit"),
    new Option("--image <name>", "Kubernetes: an image with PyTorch and open_clip"),
    new Option("--namespace <name>", "Kubernetes: the namespace (default)"),
    new Option("--claim <name>", "Kubernetes: the volume claim that holds release and run"),
    new Option("--mount <folder>", "Kubernetes: the folder here that the claim holds"),
    new Option("--dry-run", "write command, config, weights and manifest; start nothing"),
    new Option("--submit", "Slurm, Kubernetes: submit the job too"),
    new Option("--follow", "with --submit: stay until its end, for metrics and checkpoints"),
  ])
    command.addOption(option);
}

/** Keys of `LauncherOptions`: what is left of a command's options is the training's own. */
export const launcherKeys: ReadonlySet<string> = new Set(
  (
    "launcher processes nodes workers accumulate logEvery resampled device python rendezvous partition account time image " +
    "namespace claim mount dryRun submit follow"
  ).split(" "),
);

/**
 * Parts a command's options into the launcher's and the training's.
 *
 * @throws UserError "option_invalid" where there is something of a launcher's, but no launcher
 */
export function splitLauncherOptions<T extends LauncherOptions>(
  options: T,
): [launcher: LauncherOptions, training: Omit<T, keyof LauncherOptions>] {
  const part = (wanted: boolean) =>
    Object.fromEntries(Object.entries(options).filter(([key]) => launcherKeys.has(key) === wanted));
  const launcher: LauncherOptions = part(true);
  const [stray] = Object.keys(launcher);
  if (launcher.launcher === undefined && stray !== undefined) {
    throw new UserError("option_invalid", `\`${stray}\` is an option of --launcher, which is not given`, {
      hint: "Our own trainer is one process; name a launcher to train with several.",
      exitCode: 2,
    });
  }
  return [launcher, part(false) as Omit<T, keyof LauncherOptions>];
}

/** What was given, as the launcher takes it. */
export function launchInput(
  launcher: NonNullable<LauncherOptions["launcher"]>,
  { time, python, ...options }: LauncherOptions,
  env: NodeJS.ProcessEnv = process.env,
): LaunchSettingsInput {
  // an image has a Python of its own
  const here = launcher === "kubernetes" ? undefined : env["PAIRLOOM_PYTORCH"];
  const [asked] = [python, here].filter((path) => path !== undefined && path !== "");
  const { processes, nodes, workers, accumulate, logEvery, resampled, device, rendezvous } = options;
  const { partition, account, image, namespace, claim, mount } = options;
  const given = {
    ...{ processes, nodes, workers, accumulate, logEvery, resampled, device, rendezvous },
    ...{ partition, account, image, namespace, claim, mount, timeLimit: time, python: asked },
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { launcher, ...(Object.fromEntries(set) as Omit<LaunchSettingsInput, "launcher">) };
}

import { type Command, InvalidArgumentError, Option } from "commander";

/** Options that several commands share, worded once. */
export const dirOption = () =>
  new Option("-d, --dir <folder>", "the project's folder").default("pairloom-data");

export const allowPrivateOption = () =>
  new Option("--allow-private <cidr...>", "address blocks that may be reached although they are private");

/** Adds the options of every command that asks the web: how politely, and where. */
export function addWebOptions(command: Command): void {
  for (const option of [
    allowPrivateOption(),
    contactOption(),
    new Option("--host-gap-ms <n>", "least time between two requests to one host").argParser(wholeNumber(0)),
    new Option("--address-gap-ms <n>", "least time between two requests to one IP address").argParser(
      wholeNumber(0),
    ),
  ])
    command.addOption(option);
}

export const contactOption = () =>
  new Option(
    "--contact <address>",
    "URL or e-mail for webmasters, sent with every request (PAIRLOOM_CONTACT)",
  );

export const engineOption = () =>
  new Option("--engine <name>", "what computes").choices(["auto", "tensorflow", "wasm", "webgpu"]);

export const forceOption = () =>
  new Option("--force", "go on with what --model says where the weights say otherwise");

export const jsonOption = () => new Option("--json", "print the result as JSON");

/** Parses a whole number of at least `least`. */
export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`expected a whole number from ${least} up, got ${JSON.stringify(text)}`);
    return value;
  };

/** Options of a training's evaluations and logs. */
export const evaluationOptions = () => [
  new Option("--evaluate-every <n>", "steps between evaluations (the end is always evaluated)").argParser(
    wholeNumber(1),
  ),
  new Option("--evaluate-data <folder>", "held-out pairs to evaluate on; without them training pairs serve"),
  new Option("--zero-shot-classes <file>", "class names, one a line: evaluations classify among them"),
  new Option("--no-tensorboard", "no event files for TensorBoard beside metrics.jsonl"),
];

/** Any training setting by its name; values are read as JSON where they can be. */
export const setOption = () =>
  new Option("--set <name=value>", "any training setting, e.g. --set lr=1e-3 --set brightness=0.1").argParser(
    (text: string, before: Record<string, unknown> | undefined): Record<string, unknown> => {
      const at = text.indexOf("=");
      if (at < 1) throw new InvalidArgumentError(`expected name=value, got ${JSON.stringify(text)}`);
      return { ...before, [text.slice(0, at)]: valueOf(text.slice(at + 1)) };
    },
  );

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

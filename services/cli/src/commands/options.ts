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

import { readFileSync } from "node:fs";
import { Command, Option } from "commander";
import { type CommandEntry, commandTable } from "./commands/commandTable.js";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

/**
 * The command line with the one command that the arguments ask for; else (no command, a wrong one, `--help`) with every
 * command as far as the help shows it, none of which is imported for that.
 *
 * @param args without Node and the program's path
 */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command("pairloom")
    .description("From a query list to a CLIP model: gather image–text pairs, deduplicate, shard, train.")
    .version(version)
    .showHelpAfterError("(--help shows the options and an example)")
    .exitOverride()
    .addHelpText(
      "after",
      "\nStart here:\n  $ pairloom demo     # the whole road, on a small web that it serves itself\n",
    );
  const wanted = wantedCommand(args);
  for (const [title, commands] of Object.entries(commandTable)) {
    program.commandsGroup(title);
    if (wanted === null) Object.entries(commands).forEach(([name, entry]) => addToHelp(program, name, entry));
    else if (Object.hasOwn(commands, wanted)) (await commands[wanted]!.load())(program);
  }
  return program;
}

/** The command that the arguments name: the first word, or the one after `help`. Null where there is none of that name. */
function wantedCommand(args: readonly string[]): string | null {
  const words = args.filter((arg) => !arg.startsWith("-"));
  const word = words[0] === "help" ? words[1] : words[0];
  const isCommand = Object.values(commandTable).some(
    (commands) => word !== undefined && Object.hasOwn(commands, word),
  );
  return isCommand ? word! : null;
}

function addToHelp(program: Command, name: string, { usage, summary }: CommandEntry): void {
  const [options, words] = usage.startsWith("[options]") ? [true, usage.slice(9)] : [false, usage];
  const command = program.command(`${name} ${words}`.trim()).description(summary);
  if (options) command.addOption(new Option("--any", "its own module has them"));
}

import { Command } from "commander";
import { addFetchCommand } from "./commands/fetch.js";

/**
 * The command line with `fetch` alone: it needs little of what the other commands import, and starts in half the time
 * and two thirds of the memory without that.
 */
export function createFetchProgram(): Command {
  const program = new Command("pairloom")
    .showHelpAfterError("(--help shows the options and an example)")
    .exitOverride();
  addFetchCommand(program);
  return program;
}

import type { Command } from "commander";
import { expect, it } from "vitest";
import { commandTable } from "../src/commands/commandTable.js";
import { createProgram } from "../src/program.js";

const names = Object.values(commandTable).flatMap((commands) => Object.keys(commands));
const loaded = async (name: string): Promise<Command> => (await createProgram([name])).commands[0]!;

/** Everything is imported here, before a test's time runs. */
const commands = new Map<string, Command>();
for (const name of names) commands.set(name, await loaded(name));

/** A command's option flags, by the names of the commands that lead to it. */
function flagsOf(first: string, ...path: string[]): string[] {
  let command = commands.get(first)!;
  for (const name of path) command = command.commands.find((one) => one.name() === name)!;
  return command.options.map((option) => option.long!);
}

it("a job takes every setting that train has by an option, and none of a launcher's", () => {
  const launch = flagsOf("jobs", "launch");
  const notTaken = flagsOf("train").filter((flag) => !launch.includes(flag));
  expect(notTaken).toContain("--launcher");
  expect(notTaken).not.toContain("--lr");
  expect(launch.filter((flag) => flag === "--device")).toHaveLength(1);
  expect(launch).toEqual(
    expect.arrayContaining(["--lr", "--evaluate-every", "--set", "--priority", "--data"]),
  );
});

it("a clone keeps what the run had where nothing is said", async () => {
  const clone = (await loaded("jobs")).commands.find((one) => one.name() === "clone")!;
  clone.exitOverride().action(() => undefined);
  clone.parse(["run-0001"], { from: "user" });
  expect(clone.opts()).toEqual({ dir: "pairloom-data", tensorboard: true });
});

it("the first word chooses the command that is loaded, also after options and after `help`", async () => {
  for (const args of [["seed"], ["--json", "seed", "up"], ["help", "seed"], ["--help", "seed"]])
    expect((await createProgram(args)).commands.map((one) => one.name())).toEqual(["seed"]);
});

it.each([[[]], [["--version"]], [["help"]], [["constructor"]], [["sede"]], [["help", "sede"]]])(
  "with %j the help shows every command, as the commands themselves say",
  async (args: string[]) => {
    const overview = await createProgram(args);
    expect(overview.commands.map((one) => one.name())).toEqual(names);
    const help = overview.createHelp();
    for (const shown of overview.commands) {
      const command = commands.get(shown.name())!;
      expect(help.subcommandTerm(shown)).toBe(help.subcommandTerm(command));
      expect(help.subcommandDescription(shown)).toBe(help.subcommandDescription(command));
    }
  },
);

it("a mistyped command is answered with the one that was meant", async () => {
  const program = (await createProgram(["sede"])).configureOutput({ writeErr: () => undefined });
  await expect(program.parseAsync(["sede"], { from: "user" })).rejects.toThrow("Did you mean seed?");
});

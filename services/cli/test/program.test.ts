import type { Command } from "commander";
import { expect, it } from "vitest";
import { createProgram } from "../src/program.js";

/** Everything is imported here, before a test's time runs. */
const whole = await createProgram();

/** A command's option flags, by the names of the commands that lead to it. */
function flagsOf(...path: string[]): string[] {
  let command = whole;
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
  const clone = (await createProgram()).commands
    .find((one) => one.name() === "jobs")!
    .commands.find((one) => one.name() === "clone")!;
  clone.exitOverride().action(() => undefined);
  clone.parse(["run-0001"], { from: "user" });
  expect(clone.opts()).toEqual({ dir: "pairloom-data", tensorboard: true });
});

/** The help of a command and of all below it. */
const helpOf = (command: Command): string[] => [
  command.helpInformation(),
  ...command.commands.flatMap((one) => helpOf(one)),
];

it("a command alone is the one of the whole command line, and any other word brings them all", async () => {
  expect(whole.commands.length).toBeGreaterThan(20);
  for (const command of whole.commands) {
    const { commands } = await createProgram(command.name());
    expect(commands.map((one) => one.name())).toEqual([command.name()]);
    expect(helpOf(commands[0]!)).toEqual(helpOf(command));
  }
  for (const word of ["help", "--version", "constructor", "sede"])
    expect((await createProgram(word)).commands).toHaveLength(whole.commands.length);
});

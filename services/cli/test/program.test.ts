import { expect, it } from "vitest";
import { createProgram } from "../src/program.js";

/** A command's option flags, by the names of the commands that lead to it. */
async function flagsOf(...path: string[]): Promise<string[]> {
  let command = await createProgram();
  for (const name of path) command = command.commands.find((one) => one.name() === name)!;
  return command.options.map((option) => option.long!);
}

it("a job takes every setting that train has by an option, and none of a launcher's", async () => {
  const launch = await flagsOf("jobs", "launch");
  const notTaken = (await flagsOf("train")).filter((flag) => !launch.includes(flag));
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

it("a command alone is the one of the whole command line, and any other word brings them all", async () => {
  const whole = await createProgram();
  const helpOf = (program: typeof whole, name: string) =>
    program.commands.find((one) => one.name() === name)!.helpInformation();
  expect(whole.commands.length).toBeGreaterThan(20);
  for (const { name } of whole.commands.map((one) => ({ name: one.name() }))) {
    const alone = await createProgram(name);
    expect(alone.commands.map((one) => one.name())).toEqual([name]);
    expect(helpOf(alone, name)).toBe(helpOf(whole, name));
  }
  for (const word of ["help", "--version", "constructor", "sede"])
    expect((await createProgram(word)).commands).toHaveLength(whole.commands.length);
});

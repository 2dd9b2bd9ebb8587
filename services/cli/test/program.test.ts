import { expect, it } from "vitest";
import { createProgram } from "../src/program.js";

/** A command's option flags, by the names of the commands that lead to it. */
function flagsOf(...path: string[]): string[] {
  let command = createProgram();
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

it("a clone keeps what the run had where nothing is said", () => {
  const clone = createProgram()
    .commands.find((one) => one.name() === "jobs")!
    .commands.find((one) => one.name() === "clone")!;
  clone.exitOverride().action(() => undefined);
  clone.parse(["run-0001"], { from: "user" });
  expect(clone.opts()).toEqual({ dir: "pairloom-data", tensorboard: true });
});

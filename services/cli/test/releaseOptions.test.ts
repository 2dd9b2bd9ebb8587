import { resolve } from "node:path";
import { projectSettings } from "@pairloom/config";
import { Command } from "commander";
import { expect, test } from "vitest";
import {
  addReleaseOptions,
  listsOf,
  releaseSettingsOf,
  type ReleaseShape,
} from "../src/commands/releaseOptions.js";

const project = projectSettings.parse({
  project: "p",
  release: { seed: 5, dedupe: { radius: 20, near: false } },
  lists: { blocklist: ["takedowns.txt"] },
});

function parse(...args: string[]): ReleaseShape {
  const command = addReleaseOptions(
    new Command("release").exitOverride().configureOutput({ writeErr: () => undefined }),
  );
  command.parse(["node", "pairloom", ...args]);
  return command.opts<ReleaseShape>();
}

test("without options a release is as the project has it", () => {
  expect(releaseSettingsOf(project.release, parse())).toEqual(project.release);
  expect(listsOf(project.lists, parse())).toEqual(project.lists);
});

test("each layer is switched off by its name, and radii and caps are set by theirs", () => {
  const { dedupe, ...rest } = releaseSettingsOf(
    project.release,
    parse(
      ...["--no-url", "--no-bytes", "--no-pairs", "--no-placeholders", "--radius", "7"],
      ...["--decontaminate-radius", "0", "--blocklist-radius", "12", "--max-caption-repeats", "3"],
    ),
  );
  expect(dedupe).toEqual({
    ...project.release.dedupe,
    url: false,
    bytes: false,
    near: false,
    pairs: false,
    placeholders: false,
    radius: 7,
    decontaminateRadius: 0,
    blocklistRadius: 12,
  });
  expect(rest).toMatchObject({ seed: 5, maxCaptionRepeats: 3 });
});

test("lists of the command line join the project's and lie where the command is given", () => {
  const shape = parse("--blocklist", "a.txt", "/b.jsonl", "--decontaminate", "val");
  expect(listsOf(project.lists, shape)).toEqual({
    blocklist: ["takedowns.txt", resolve("a.txt"), "/b.jsonl"],
    decontaminate: [resolve("val")],
  });
});

test.each([
  ["--radius", "32"],
  ["--decontaminate-radius", "-1"],
  ["--blocklist-radius", "x"],
])("%s %s is refused", (...args) => {
  expect(() => parse(...args)).toThrow("expected a whole number from 0 to 31");
});

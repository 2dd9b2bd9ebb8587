import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { holdOutRule, UserError } from "@pairloom/config";
import type { DataCard } from "@pairloom/shards";
import type { Command } from "commander";
import { z } from "zod";
import { openProject } from "../project/openProject.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import { createSay } from "../terminal/say.js";
import { dirOption, jsonOption } from "./options.js";
import { addReleaseOptions, listsOf, releaseSettingsOf, type ReleaseShape } from "./releaseOptions.js";

interface ReleaseOptions extends ReleaseShape {
  dir: string;
  name?: string;
  holdOut?: string;
  heldOut?: boolean;
  json?: boolean;
}

/** `pairloom release`: balance, deduplicate and write the shards of a release. */
export function addReleaseCommand(program: Command): void {
  const command = program
    .command("release")
    .description("deduplicate, balance and write webdataset shards of everything fetched so far")
    .addOption(dirOption())
    .option(
      "--name <name>",
      "the release's name (default: the next number; unchanged input gives the release that is there)",
    )
    .option("--hold-out <file>", 'JSON list of {"name", "pattern"}: samples whose texts match are kept out')
    .option("--held-out", "the other side: only what the hold-out rules keep out of training");
  addReleaseOptions(command)
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  $ pairloom release --dir data
  $ pairloom release --dir data --name train --hold-out rules.json
  $ pairloom release --dir data --name test --hold-out rules.json --held-out
  $ pairloom release --dir data --blocklist takedowns.txt --decontaminate imagenet/val --decontaminate-radius 24
`,
    )
    .action(async (options: ReleaseOptions) => {
      const { askRelease, finishRelease } = await import("../project/releaseProject.js");
      const say = createSay(options.json ?? false);
      const holdOut = options.holdOut === undefined ? null : await readHoldOutRules(options.holdOut);
      const project = await openProject(options);
      try {
        const settings = {
          ...releaseSettingsOf(project.settings.release, options),
          ...(holdOut === null ? {} : { holdOut }),
        };
        if (options.heldOut === true && settings.holdOut.length === 0)
          throw new UserError("no_hold_out_rules", "--held-out needs rules", {
            hint: "Give them with --hold-out FILE.",
          });
        if (!(await project.road.isIdle()))
          say.warn("the road is not empty: this release holds what has been fetched so far");
        const request = await askRelease(project, {
          settings,
          side: options.heldOut === true ? "held_out" : "train",
          lists: listsOf(project.settings.lists, options),
          warn: (line) => say.warn(line),
          ...(options.name === undefined ? {} : { name: options.name }),
        });
        const live = new LiveBlock();
        await finishRelease(project, request.name, {
          log: (line) => live.note(line),
          onStanding: (line) => live.draw(`${request.name}: ${line}`, `${request.name}: ${line}`),
        });
        live.clear();
        const folder = join(project.dir, "releases", request.name);
        const card = JSON.parse(await readFile(join(folder, "datacard.json"), "utf8")) as DataCard;
        const { candidates, kept, rejected, counts, lists } = card;
        const shards = card.shards.length;
        say.result(
          {
            name: request.name,
            path: folder,
            candidates,
            kept,
            rejected,
            shards,
            rejectedByReason: counts.reason,
            lists,
          },
          `${kept} samples in ${shards} shards (of ${candidates} candidates): ${folder}`,
        );
      } finally {
        await project.close();
      }
    });
}

/** @throws UserError naming what is wrong in the file */
export async function readHoldOutRules(path: string): Promise<z.infer<typeof holdOutRule>[]> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new UserError("hold_out_unreadable", `${path}: ${(cause as Error).message}`, { cause });
  }
  const parsed = z.array(holdOutRule).safeParse(value);
  if (!parsed.success)
    throw new UserError("hold_out_invalid", `${path} is not right:\n${z.prettifyError(parsed.error)}`, {
      hint: 'Expected: [{"name": "red star", "pattern": "\\\\bred stars?\\\\b"}]',
    });
  for (const { name, pattern } of parsed.data)
    try {
      new RegExp(pattern, "i");
    } catch (cause) {
      throw new UserError("hold_out_invalid", `${path}: the pattern of "${name}" is no regular expression`, {
        cause,
      });
    }
  return parsed.data;
}

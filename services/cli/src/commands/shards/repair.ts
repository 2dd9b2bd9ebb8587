import { resolve } from "node:path";
import { UserError } from "@pairloom/config";
import type { Repair } from "@pairloom/shards";
import { isStoreUrl } from "@pairloom/storage";
import type { Command } from "commander";
import { LiveBlock } from "../../terminal/liveBlock.js";
import { readProgress } from "../../terminal/readProgress.js";
import { createSay } from "../../terminal/say.js";
import { jsonOption } from "../options.js";
import { problemLine } from "./verify.js";

interface RepairCommandOptions {
  dryRun?: boolean;
  trustTars?: boolean;
  json?: boolean;
}

/** `pairloom shards repair`. */
export function addRepair(shards: Command): void {
  shards
    .command("repair")
    .description(
      "rebuild sidecars (tables, statistics, sizes, wids index, data card) from the tars, which are not touched",
    )
    .argument("<folder>", "the folder that holds 00000.tar")
    .option("--dry-run", "only say what would be rebuilt")
    .option(
      "--trust-tars",
      "take the tars that are there as the dataset, also where a sidecar speaks of others",
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom shards repair data/releases/r0001 --dry-run\n  $ pairloom shards repair s3://datasets/r0001\n  $ pairloom shards repair laion    # sizes.json and a wids index for img2dataset's output\n",
    )
    .action(repair);
}

async function repair(folder: string, options: RepairCommandOptions): Promise<void> {
  const { repairRelease } = await import("@pairloom/shards");
  const say = createSay(options.json ?? false);
  const { dryRun = false, trustTars = false } = options;
  const result = await repairRelease(isStoreUrl(folder) ? folder : resolve(folder), {
    dryRun,
    trustTars,
    onProgress: readProgress(new LiveBlock()),
  });
  say.result({ ...result, dryRun }, repairText(result, dryRun));
  if (result.left.length > 0)
    throw new UserError(
      "repair_incomplete",
      `${result.left.length} problems of ${folder} can't be mended from its tars`,
      {
        hint:
          "Put damaged tars back from a copy, or make the release again. --trust-tars takes the tars that are there as " +
          "the dataset.",
      },
    );
}

function repairText({ rebuilt, left, shards, samples }: Repair, dryRun: boolean): string {
  const read = `${samples} samples in ${shards} shards`;
  const lines = rebuilt.map((file) => `  ${dryRun ? "would rebuild" : "rebuilt"} ${file}`);
  if (lines.length === 0 && left.length === 0) return `${read}: nothing to rebuild.`;
  return [`${read}.`, ...lines, ...left.map(problemLine)].join("\n");
}

import { resolve } from "node:path";
import { UserError } from "@pairloom/config";
import { verifyRelease } from "@pairloom/shards";
import { isStoreUrl } from "@pairloom/storage";
import type { Command } from "commander";
import { createSay } from "../terminal/say.js";
import { jsonOption } from "./options.js";

/** `pairloom shards`: tools for finished shards. */
export function addShardsCommand(program: Command): void {
  const shards = program.command("shards").description("tools for finished shards: verify");
  shards
    .command("verify")
    .description("check hashes, tar structure, pairing, keys and counts of a release")
    .argument("<folder>", "the release, here or s3://…")
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  $ pairloom shards verify data/releases/r0001\n")
    .action(async (folder: string, options: { json?: boolean }) => {
      const say = createSay(options.json ?? false);
      const verified = await verifyRelease(isStoreUrl(folder) ? folder : resolve(folder));
      say.result(
        verified,
        verified.problems.length === 0
          ? `${verified.samples} samples in ${verified.shards} shards: all whole.`
          : verified.problems.map(({ file, says }) => `  ✗ ${file}: ${says}`).join("\n"),
      );
      if (verified.problems.length > 0)
        throw new UserError("release_damaged", `${verified.problems.length} problems in ${folder}`, {
          hint: "Make the release again from its segments: pairloom release --name ANOTHER.",
        });
    });
}

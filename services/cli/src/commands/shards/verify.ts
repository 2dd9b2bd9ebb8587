import { resolve } from "node:path";
import { UserError } from "@pairloom/config";
import type { NoteKind, ReleaseProblem, Verification, VerifyProgress } from "@pairloom/shards";
import { isStoreUrl } from "@pairloom/storage";
import type { Command } from "commander";
import { LiveBlock } from "../../terminal/liveBlock.js";
import { printable } from "../../terminal/printable.js";
import { createSay } from "../../terminal/say.js";
import { jsonOption } from "../options.js";

/** Problems that a terminal shows. */
const shown = 50;

const hints = {
  release:
    "`pairloom shards repair` rebuilds sidecars from whole tars; damaged tars are made again with " +
    "`pairloom release --name ANOTHER`.",
  plain:
    "Fetch damaged shards again, or go on without them: readers put aside what can't be used, and count it.",
};

/** `pairloom shards verify`. */
export function addVerify(shards: Command): void {
  shards
    .command("verify")
    .description(
      "check tars, pairing, keys, pictures, hashes and counts of a release, or of img2dataset's output",
    )
    .argument("<folder>", "the folder that holds 00000.tar")
    .option("--no-decode", "only look at the first bytes of pictures (by default every one is decoded)")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom shards verify data/releases/r0001\n  $ pairloom shards verify laion --no-decode --json\n",
    )
    .action(verify);
}

async function verify(folder: string, options: { decode: boolean; json?: boolean }): Promise<void> {
  const { setupSharp, pictureProblem } = await import("@pairloom/image");
  const { verifyRelease } = await import("@pairloom/shards");
  const say = createSay(options.json ?? false);
  setupSharp();
  const live = new LiveBlock();
  const started = performance.now();
  let last = -Infinity;
  const verified = await verifyRelease(isStoreUrl(folder) ? folder : resolve(folder), {
    ...(options.decode ? { checkPicture: pictureProblem } : {}),
    onProgress: (progress) => {
      const now = performance.now();
      if (now - last < 100 && progress.shards < progress.ofShards) return;
      last = now;
      const line = progressLine(progress, (now - started) / 1000);
      const isLast = progress.shards === progress.ofShards;
      if (isLast) live.finish(line, line);
      else live.draw(line, line);
    },
  });
  say.result(verified, resultText(verified));
  if (verified.found > 0)
    throw new UserError("release_damaged", `${verified.found} problems in ${folder}`, {
      hint: hints[verified.layout],
    });
}

function progressLine(
  { shards, ofShards, samples, bytes, ofBytes }: VerifyProgress,
  seconds: number,
): string {
  const share = ofBytes === 0 ? 1 : bytes / ofBytes;
  const left = share > 0.01 ? `, ${Math.ceil((seconds / share) * (1 - share))} s left` : "";
  return `checked ${samples.toLocaleString("en-US")} samples, ${shards} of ${ofShards} shards, ${(100 * share).toFixed(0)} %${left}`;
}

export const problemLine = ({ file, key, says }: ReleaseProblem): string =>
  `  ✗ ${printable(file)}${key === null || says.includes(key) ? "" : ` ${printable(key)}`}: ${printable(says)}`;

const noteTexts: Record<NoteKind, string> = {
  record_dropped: "KEY.json say nothing of their samples (empty, or no objects): readers go on without them",
  macos_file: "files of macOS (._NAME, .DS_Store) are passed over",
};

function resultText(verified: Verification): string {
  const notes = Object.entries(verified.notes ?? {}).map(
    ([kind, count]) => `  ${count} ${noteTexts[kind as NoteKind]}`,
  );
  return [foundText(verified), ...notes].join("\n");
}

function foundText({ layout, problems, found, shards, samples, rejected }: Verification): string {
  const counted = `${samples} samples in ${shards} shards`;
  if (found === 0)
    return layout === "release"
      ? `${counted}: all whole. ${samples} kept + ${rejected} rejected = ${samples + rejected} candidates.`
      : `${counted}: all whole. (No release of pairloom: checked are the tars, and what lies beside them.)`;
  const lines = problems.slice(0, shown).map(problemLine);
  if (found > shown)
    lines.push(`  … and ${found - shown} more; --json lists ${Math.min(found, problems.length)}`);
  return lines.join("\n");
}

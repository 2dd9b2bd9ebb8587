import { join } from "node:path";
import type { Command } from "commander";
import { findRun } from "../project/findRun.js";
import { foreignWeights } from "../project/foreignWeights.js";
import type { CheckpointVerdict } from "../project/verifyCheckpoint.js";
import { createSay } from "../terminal/say.js";
import { dirOption, forceOption, jsonOption } from "./options.js";

interface VerifyCommandOptions {
  dir: string;
  model?: string;
  force?: boolean;
  json?: boolean;
}

/** `pairloom checkpoints verify`: whether weights are whole, of their model, and finite. */
export function addVerifyCommand(checkpoints: Command): void {
  checkpoints
    .command("verify")
    .description("check digests, shapes and numbers of a run's checkpoints, or of other weights")
    .argument("<run>", "the run's name or folder; or weights of any program: a file, or a model's folder")
    .addOption(dirOption())
    .option("--model <name>", "the model's config, where the weights don't tell it")
    .addOption(forceOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom checkpoints verify runs/first\n  $ pairloom checkpoints verify epoch_3.pt --model ViT-B-32\n",
    )
    .action(async (run: string, options: VerifyCommandOptions) => {
      const { verifyCheckpoint } = await import("../project/verifyCheckpoint.js");
      const { model, force } = options;
      const say = createSay(options.json ?? false);
      const verdicts: CheckpointVerdict[] = [];
      for (const path of await filesOf(options.dir, run))
        verdicts.push(await verifyCheckpoint(path, { model, force }));
      for (const { file, notes, warnings } of verdicts) {
        for (const note of notes) say.info(`${file}: ${note}`);
        for (const warning of warnings) say.warn(warning);
      }
      const ok = verdicts.every((verdict) => verdict.ok);
      say.result(
        { ok, checkpoints: verdicts },
        verdicts.length === 0 ? "There is no checkpoint yet." : verdicts.map(verdictLine).join("\n"),
      );
      if (!ok) process.exitCode = 1;
    });
}

/** A run's checkpoints; or weights of any program by their path. */
async function filesOf(dir: string, run: string): Promise<string[]> {
  if ((await foreignWeights(dir, run)) !== null) return [run];
  const { readCheckpoints } = await import("../project/runFolders.js");
  const folder = await findRun(dir, run);
  return (await readCheckpoints(folder)).map(({ file }) => join(folder, "checkpoints", file));
}

function verdictLine({
  file,
  ok,
  problem,
  tensors,
  numbers,
  digestMatches,
  shapesChecked,
}: CheckpointVerdict): string {
  if (!ok) return `  ${file}  BAD: ${problem}`;
  const digest = digestMatches === null ? "no manifest" : "digest matches";
  const shapes = shapesChecked ? "the model's shapes" : "shapes not compared (no config)";
  return `  ${file}  ok: ${tensors} tensors, ${(numbers / 1e6).toFixed(1)} million numbers, all finite; ${shapes}; ${digest}`;
}

import { join } from "node:path";
import type { ModelConfig } from "@pairloom/clip";
import type { Command } from "commander";
import { findRun } from "../project/findRun.js";
import { foreignWeights } from "../project/foreignWeights.js";
import type { CheckpointVerdict } from "../project/verifyCheckpoint.js";
import { createSay } from "../terminal/say.js";
import { dirOption, jsonOption } from "./options.js";

/** `pairloom checkpoints verify`: whether weights are whole, of their model, and finite. */
export function addVerifyCommand(checkpoints: Command): void {
  checkpoints
    .command("verify")
    .description("check digests, shapes and numbers of a run's checkpoints, or of other weights")
    .argument("<run>", "the run's name or folder; or weights of any program: a file, or a model's folder")
    .addOption(dirOption())
    .option("--model <name>", "the model's config, where none lies beside the file")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom checkpoints verify runs/first\n  $ pairloom checkpoints verify epoch_3.pt --model ViT-B-32\n",
    )
    .action(async (run: string, options: { dir: string; model?: string; json?: boolean }) => {
      const { verifyCheckpoint } = await import("../project/verifyCheckpoint.js");
      const { paths, configFile } = await filesOf(options.dir, run);
      const model = options.model ?? configFile;
      const config = model === null ? null : await configOf(model);
      const verdicts: CheckpointVerdict[] = [];
      for (const path of paths) verdicts.push(await verifyCheckpoint(path, config));
      const ok = verdicts.every((verdict) => verdict.ok);
      createSay(options.json ?? false).result(
        { ok, checkpoints: verdicts },
        verdicts.length === 0 ? "There is no checkpoint yet." : verdicts.map(verdictLine).join("\n"),
      );
      if (!ok) process.exitCode = 1;
    });
}

/** A run's checkpoints; or weights of any program by their path. */
async function filesOf(dir: string, run: string): Promise<{ paths: string[]; configFile: string | null }> {
  const { readCheckpoints } = await import("../project/runFolders.js");
  const weights = await foreignWeights(dir, run);
  if (weights !== null) {
    const { configBeside } = await import("@pairloom/clip");
    return { paths: [weights], configFile: await configBeside(weights) };
  }
  const folder = await findRun(dir, run);
  const all = await readCheckpoints(folder);
  return {
    paths: all.map(({ file }) => join(folder, "checkpoints", file)),
    configFile: join(folder, "config.json"),
  };
}

async function configOf(model: string): Promise<ModelConfig> {
  const { loadModelConfig } = await import("@pairloom/clip");
  return loadModelConfig(model);
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

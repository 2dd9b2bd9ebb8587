import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { UserError } from "@pairloom/config";
import type { Command } from "commander";
import { newFile, writeParts } from "../project/newFile.js";
import { createSay } from "../terminal/say.js";
import { jsonOption, wholeNumber } from "./options.js";

interface ImportOptions {
  model?: string;
  out?: string;
  step?: number;
  json?: boolean;
}

/** `pairloom checkpoints import`: weights of other programs into our layout, and what a cluster's job has written so far. */
export function addImportCommand(checkpoints: Command): void {
  checkpoints
    .command("import")
    .description("bring in weights that PyTorch or open_clip wrote (no code of the file is run)")
    .argument("<file>", "a .pt or .safetensors file; or the folder of a run that a launcher started")
    .option("--model <name>", "a model's name, or a JSON config in open_clip's schema")
    .option("--out <path>", "a .safetensors file, or a run's folder")
    .option("--step <n>", "the step it stands for in the run's folder", wholeNumber(0))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n" +
        "  $ pairloom checkpoints import epoch_32.pt --model ViT-B-32 --out model.safetensors\n" +
        "  $ pairloom checkpoints import runs/wide     # what a job on a cluster has written by now\n",
    )
    .action(async (file: string, options: ImportOptions) => {
      const found = await stat(file).catch(() => null);
      if (found === null) throw new UserError("checkpoint_missing", `There is no ${file}`);
      if (found.isDirectory()) await importRun(file, options);
      else await importFile(file, options);
    });
}

async function importRun(folder: string, { json = false }: ImportOptions): Promise<void> {
  const { collectRun } = await import("@pairloom/training");
  const { imported, last } = await collectRun(folder);
  const files = imported.map((step) => `step-${String(step).padStart(6, "0")}.safetensors`);
  const loss = last === null ? "nothing logged yet" : `step ${last.step}, loss ${last.loss.toFixed(4)}`;
  createSay(json).result(
    { run: resolve(folder), imported: files, step: last?.step ?? 0, loss: last?.loss ?? null },
    [...files.map((file) => join(folder, "checkpoints", file)), loss].join("\n"),
  );
}

async function importFile(file: string, { model, out, step, json = false }: ImportOptions): Promise<void> {
  if (out === undefined) throw missing("--out", "a .safetensors file, or a run's folder");
  const isFile = out.endsWith(".safetensors");
  const config = model ?? (isFile ? null : await configIn(out));
  if (config === null) throw missing("--model", "a model's name, or a JSON config in open_clip's schema");
  const clip = await import("@pairloom/clip");
  const modelConfig = await clip.loadModelConfig(config);
  const state = clip.checkStateDict(await clip.readCheckpointFile(file), modelConfig);
  const at = step ?? Number(/step-(\d+)/.exec(basename(file))?.[1] ?? 0);
  const target = resolve(
    isFile ? out : join(out, "checkpoints", `step-${String(at).padStart(6, "0")}.safetensors`),
  );
  const parts = clip.safetensorsParts(state, { format: "pt", step: String(at) });
  await newFile(target, (beside) => writeParts(beside, parts));
  const beside = isFile ? null : join(out, "config.json");
  if (beside !== null && (await stat(beside).catch(() => null)) === null) {
    const text = Buffer.from(`${JSON.stringify(modelConfig, null, 2)}\n`);
    await newFile(beside, (path) => writeParts(path, [text]));
  }
  createSay(json).result(
    { checkpoint: target, tensors: state.size, parameters: parameterCount(state) },
    `${target}\n${state.size} tensors, ${(parameterCount(state) / 1e6).toFixed(1)} million numbers`,
  );
}

async function configIn(folder: string): Promise<string | null> {
  const path = join(folder, "config.json");
  return (await stat(path).catch(() => null)) === null ? null : path;
}

function parameterCount(state: ReadonlyMap<string, { data: { length: number } }>): number {
  return [...state.values()].reduce((sum, { data }) => sum + data.length, 0);
}

function missing(option: string, what: string): UserError {
  return new UserError("option_missing", `Importing a file needs ${option}: ${what}`, { exitCode: 2 });
}

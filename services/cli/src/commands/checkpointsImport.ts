import { stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { ModelConfig, ReadModel, ReadModelOptions } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import type { Command } from "commander";
import { newFile, writeParts } from "../project/newFile.js";
import { createSay } from "../terminal/say.js";
import { tellOfModel } from "../project/openModel.js";
import { forceOption, jsonOption, wholeNumber } from "./options.js";

interface ImportOptions {
  model?: string;
  quickGelu?: boolean;
  force?: boolean;
  weights?: string;
  resizePositions?: boolean;
  fillMissing?: boolean;
  allowNotFinite?: boolean;
  out?: string;
  step?: number;
  json?: boolean;
}

const help = `
What is read, told by its content and not by its name:
  OpenAI's TorchScript archives and state dicts; torch.save's files of open_clip, its training checkpoints too;
  safetensors of open_clip; folders of open_clip (open_clip_config.json) and transformers (config.json), in parts too.
The beginnings that wrappers give to names (module., _orig_mod., state_dict.model.) are dropped, and what was done is told.
Without --model the config is taken from the file, from beside it, or told from the tensors' shapes. The folder's
preprocessing (mean, std, interpolation, resize mode) and tokenizer are kept with the weights.

Examples:
  $ pairloom checkpoints import ViT-B-32.pt --out model.safetensors      # OpenAI's
  $ pairloom checkpoints import clip-vit-base-patch32/ --out runs/b32    # a folder of transformers
  $ pairloom checkpoints import epoch_32.pt --model ViT-B-32 --out model.safetensors
  $ pairloom checkpoints import model.safetensors --model larger.json --resize-positions --out larger.safetensors
  $ pairloom checkpoints import runs/wide     # what a job on a cluster has written by now
`;

/** `pairloom checkpoints import`: weights of other programs into our layout, and what a cluster's job has written so far. */
export function addImportCommand(checkpoints: Command): void {
  checkpoints
    .command("import")
    .description("bring in weights of OpenAI, open_clip or transformers (no code of the file is run)")
    .argument("<path>", "a file of weights, a model's folder, or the folder of a run that a launcher started")
    .option("--model <name>", "a model's name, or a JSON config in open_clip's schema")
    .option("--quick-gelu", "the model was trained with QuickGELU, as OpenAI's were")
    .option("--no-quick-gelu", "the model was trained with GELU")
    .addOption(forceOption())
    .option(
      "--weights <name>",
      "which weights, where a file holds several: a part of their names' beginning (ema)",
    )
    .option("--resize-positions", "interpolate positions to the image size and context length of --model")
    .option("--fill-missing", "give a missing logit_scale or logit_bias the value that open_clip gives it")
    .option("--allow-not-finite", "take weights that are NaN or infinite too")
    .option("--out <path>", "a .safetensors file, or a run's folder")
    .option("--step <n>", "the step it stands for in the run's folder", wholeNumber(0))
    .addOption(jsonOption())
    .addHelpText("after", help)
    .action(async (path: string, options: ImportOptions) => {
      const found = await stat(path).catch(() => null);
      if (found === null) throw new UserError("checkpoint_missing", `There is no ${path}`);
      const isModel = found.isFile() || !(await isRun(path));
      await (isModel ? importModel(path, options) : importRun(path, options));
    });
}

const isRun = async (folder: string): Promise<boolean> =>
  (await stat(join(folder, "run.json")).catch(() => null)) !== null;

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

async function importModel(path: string, options: ImportOptions): Promise<void> {
  const { out, step, json = false } = options;
  if (out === undefined) {
    throw new UserError(
      "option_missing",
      "Importing weights needs --out: a .safetensors file, or a run's folder",
      { exitCode: 2 },
    );
  }
  const say = createSay(json);
  const isFile = out.endsWith(".safetensors");
  const at = step ?? Number(/step-(\d+)/.exec(basename(path))?.[1] ?? 0);
  const target = resolve(
    isFile ? out : join(out, "checkpoints", `step-${String(at).padStart(6, "0")}.safetensors`),
  );
  const config = isFile
    ? `${target.slice(0, -".safetensors".length)}.config.json`
    : resolve(out, "config.json");
  const clip = await import("@pairloom/clip");
  const read = await clip.readModel(path, readOptions(options, isFile ? null : await present(config)));
  tellOfModel(
    path,
    read,
    (line) => say.warn(line),
    (line) => say.info(line),
  );
  await writeConfig(config, read.config);
  const parts = clip.safetensorsParts(read.state, { ...clip.modelMetadata(read.config), step: String(at) });
  await newFile(target, (beside) => writeParts(beside, parts));
  const misfit = clip.tokenizerMisfit(read.config);
  say.result(
    { ...report(target, config, read), tokenizerMisfit: misfit },
    summary(target, config, read, misfit),
  );
}

function readOptions(options: ImportOptions, configOfRun: string | null): ReadModelOptions {
  const { model, quickGelu, force, weights, resizePositions, fillMissing, allowNotFinite } = options;
  return {
    model: model ?? configOfRun ?? undefined,
    ...{ quickGelu, force, weights, resizePositions, fillMissing, allowNotFinite },
  };
}

const present = async (path: string): Promise<string | null> =>
  (await stat(path).catch(() => null)) === null ? null : path;

/** Writes a model's config; one that is there already must be the same. */
async function writeConfig(path: string, config: ModelConfig): Promise<void> {
  const { describeModel, loadModelConfig } = await import("@pairloom/clip");
  if ((await present(path)) !== null) {
    if (isDeepStrictEqual(describeModel(await loadModelConfig(path)), describeModel(config))) return;
    throw new UserError("file_exists", `${path} describes another model`, {
      hint: "Name another place with --out.",
    });
  }
  await newFile(path, (beside) =>
    writeParts(beside, [Buffer.from(`${JSON.stringify(describeModel(config), null, 2)}\n`)]),
  );
}

function report(checkpoint: string, configFile: string, read: ReadModel): object {
  const { state, config, configSource, format, layout, assumed, notes, warnings } = read;
  const parameters = parameterCount(read);
  return {
    checkpoint,
    tensors: state.size,
    parameters,
    config,
    configFile,
    configSource,
    format,
    layout,
    assumed,
    notes,
    warnings,
  };
}

function summary(
  checkpoint: string,
  configFile: string,
  read: ReadModel,
  misfit: { field: string; problem: string } | null,
): string {
  const origin = {
    named: "as named",
    file: "as the file says",
    beside: "as the config beside it says",
    shapes: "told from the tensors' shapes",
  }[read.configSource];
  return [
    checkpoint,
    `${read.state.size} tensors, ${(parameterCount(read) / 1e6).toFixed(1)} million numbers; the model ${origin}`,
    `Its model is described in ${configFile} and in the file itself: use it with --checkpoint ${checkpoint}`,
    ...(misfit === null
      ? []
      : [
          `It takes token ids alone, since texts are tokenized as CLIP's: \`text_cfg.${misfit.field}\`: ${misfit.problem}`,
        ]),
  ].join("\n");
}

function parameterCount({ state }: ReadModel): number {
  return [...state.values()].reduce((sum, { data }) => sum + data.length, 0);
}

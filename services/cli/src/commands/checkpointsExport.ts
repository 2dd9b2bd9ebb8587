import { join, resolve } from "node:path";
import type { ExportFormat } from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import { type Command, Option } from "commander";
import { findRun } from "../project/findRun.js";
import { foreignWeights } from "../project/foreignWeights.js";
import { newFile, writeParts } from "../project/newFile.js";
import { tellOfModel } from "../project/openModel.js";
import { newFolder } from "../project/newFolder.js";
import { createSay } from "../terminal/say.js";
import { dirOption, forceOption, jsonOption } from "./options.js";

interface ExportOptions {
  dir: string;
  format: ExportFormat;
  out: string;
  model?: string;
  force?: boolean;
  allowNotFinite?: boolean;
  json?: boolean;
}

const help = `
Formats:
  openclip      a folder for open_clip.create_model_and_transforms("local-dir:…")
  hf            a folder for transformers' CLIPModel and CLIPProcessor (vision transformers only)
  onnx          a folder with image.onnx and text.onnx (opset 17) for onnxruntime
  safetensors   one file, open_clip's keys
  pt            one file as torch.save writes it, open_clip's keys

Examples:
  $ pairloom checkpoints export runs/first --format openclip --out first
  $ pairloom checkpoints export runs/first step-000500.safetensors --format onnx --out first-onnx
  $ pairloom checkpoints export ViT-B-32.pt --format hf --out vit-b-32   # OpenAI's file to transformers
`;

/** `pairloom checkpoints export`: a model's weights in a form that other programs take. */
export function addExportCommand(checkpoints: Command): void {
  checkpoints
    .command("export")
    .description("write a run's weights for open_clip, transformers, onnxruntime or PyTorch")
    .argument("<run>", "the run's name or folder; or weights of any program: a file, or a model's folder")
    .argument("[file]", "which of the run's checkpoints", "latest")
    .addOption(dirOption())
    .addOption(
      new Option("--format <name>", "the form, as below")
        .choices(["openclip", "hf", "onnx", "safetensors", "pt"] satisfies ExportFormat[])
        .default("openclip"),
    )
    .requiredOption("-o, --out <path>", "the folder or file to write; what is there already stays")
    .option("--model <name>", "the model's config, where the weights don't tell")
    .addOption(forceOption())
    .option("--allow-not-finite", "write weights that are NaN or infinite too")
    .addOption(jsonOption())
    .addHelpText("after", help)
    .action(exportCheckpoint);
}

async function exportCheckpoint(run: string, file: string, options: ExportOptions): Promise<void> {
  const { model, force, allowNotFinite } = options;
  const say = createSay(options.json ?? false);
  const target = resolve(options.out);
  const source = await sourceOf(options.dir, run, file);
  const clip = await import("@pairloom/clip");
  const read = await clip.readModel(source, { model, force, allowNotFinite });
  const { config, configFile, state, assumed, notes, warnings } = read;
  tellOfModel(
    source,
    read,
    (line) => say.warn(line),
    (line) => say.info(line),
  );
  // before there was a folder for open_clip, `openclip` was the name of its .pt file
  const format = options.format === "openclip" && /\.(pt|pth)$/.test(target) ? "pt" : options.format;
  const exported = clip.exportModel(format, state, config);
  if (exported.kind === "folder") await newFolder(target, exported.files);
  else await newFile(target, (beside) => writeParts(beside, exported.parts));
  const files = exported.kind === "folder" ? [...exported.files.keys()].sort() : [];
  const load = loadLines(format, target);
  say.result(
    {
      checkpoint: target,
      format,
      source: resolve(source),
      config: configFile,
      files,
      load,
      assumed,
      notes,
      warnings,
    },
    [
      target,
      ...files.map((name) => `  ${name}`),
      "Load it in Python:",
      ...load.map((line) => `  ${line}`),
    ].join("\n"),
  );
}

/** A run's checkpoint; or weights of others by their path. */
async function sourceOf(dir: string, run: string, file: string): Promise<string> {
  if ((await foreignWeights(dir, run)) !== null) return run;
  const { checkpointPath } = await import("../project/runFolders.js");
  const folder = await findRun(dir, run);
  const source = await checkpointPath(folder, file);
  if (source !== null) return source;
  throw new UserError("checkpoint_missing", `${folder} has no checkpoint ${file}`, {
    hint: "`pairloom checkpoints list` shows what is there.",
  });
}

/** The lines of Python that load what was written. */
function loadLines(format: ExportFormat, path: string): string[] {
  const at = JSON.stringify(path);
  switch (format) {
    case "openclip":
      return [
        `model, _, preprocess = open_clip.create_model_and_transforms(${JSON.stringify(`local-dir:${path}`)})`,
        `tokenizer = open_clip.get_tokenizer(${JSON.stringify(`local-dir:${path}`)})`,
      ];
    case "hf":
      return [
        `model = transformers.CLIPModel.from_pretrained(${at})`,
        `processor = transformers.CLIPProcessor.from_pretrained(${at})`,
      ];
    case "onnx":
      return ["image", "text"].map(
        (tower) => `${tower} = onnxruntime.InferenceSession(${JSON.stringify(join(path, `${tower}.onnx`))})`,
      );
    case "safetensors":
      return [
        `model.load_state_dict(safetensors.torch.load_file(${at}))  # model: open_clip's, of this config`,
      ];
    case "pt":
      return [
        `model.load_state_dict(torch.load(${at}, weights_only=True))  # model: open_clip's, of this config`,
      ];
  }
}

import { join, resolve } from "node:path";
import { UserError } from "@pairloom/config";
import { type Command, Option } from "commander";
import { findRun } from "../project/findRun.js";
import { newFile, writeParts } from "../project/newFile.js";
import { checkpointPath } from "../project/runFolders.js";
import { createSay } from "../terminal/say.js";
import { dirOption, jsonOption } from "./options.js";

type ExportFormat = "openclip" | "safetensors";

/** `pairloom checkpoints export`: a run's weights in a form that other programs take. */
export function addExportCommand(checkpoints: Command): void {
  checkpoints
    .command("export")
    .description("write a run's weights for open_clip and PyTorch")
    .argument("<run>", "the run's name, or the path of its folder")
    .argument("[file]", "which checkpoint", "latest")
    .addOption(dirOption())
    .addOption(
      new Option("--format <name>", "openclip: a .pt of torch.save's form; safetensors: open_clip's keys")
        .choices(["openclip", "safetensors"])
        .default("openclip"),
    )
    .requiredOption("-o, --out <file>", "the file to write")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  $ pairloom checkpoints export runs/first --format openclip --out first.pt\n",
    )
    .action(
      async (
        run: string,
        file: string,
        options: { dir: string; format: ExportFormat; out: string; json?: boolean },
      ) => {
        const folder = await findRun(options.dir, run);
        const source = await checkpointPath(folder, file);
        if (source === null)
          throw new UserError("checkpoint_missing", `${folder} has no checkpoint ${file}`, {
            hint: "`pairloom checkpoints list` shows what is there.",
          });
        const clip = await import("@pairloom/clip");
        const configFile = join(folder, "config.json");
        const config = await clip.loadModelConfig(configFile);
        const state = clip.checkStateDict(await clip.readCheckpointFile(source), config);
        const parts =
          options.format === "openclip"
            ? clip.pyTorchParts(state)
            : clip.safetensorsParts(state, { format: "pt" });
        const target = resolve(options.out);
        await newFile(target, (beside) => writeParts(beside, parts));
        createSay(options.json ?? false).result(
          { checkpoint: target, format: options.format, source, config: configFile },
          `${target}\nIts model is described in ${configFile}`,
        );
      },
    );
}

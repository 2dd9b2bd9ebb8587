import { copyFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { UserError } from "@pairloom/config";
import type { Command } from "commander";
import { findRun } from "../project/findRun.js";
import { newFile } from "../project/newFile.js";
import { createSay } from "../terminal/say.js";
import { addExportCommand } from "./checkpointsExport.js";
import { addImportCommand } from "./checkpointsImport.js";
import { addVerifyCommand } from "./checkpointsVerify.js";
import { dirOption, jsonOption } from "./options.js";

/** `pairloom checkpoints`: what trainings have written. */
export function addCheckpointsCommand(program: Command): void {
  const checkpoints = program
    .command("checkpoints")
    .description("list, fetch, bring in, hand out and check what trainings have written");
  checkpoints
    .command("list")
    .description("the checkpoints of a project's runs, or of one run's folder")
    .addOption(dirOption())
    .option("--run <run>", "one run alone: its name, or the path of its folder")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExamples:\n  $ pairloom checkpoints list --dir data\n  $ pairloom checkpoints list --run runs/first\n",
    )
    .action(async (options: { dir: string; run?: string; json?: boolean }) => {
      const { runNames, readCheckpoints } = await import("../project/runFolders.js");
      const folders =
        options.run === undefined
          ? (await runNames(options.dir)).map((name) => join(options.dir, "runs", name))
          : [await findRun(options.dir, options.run)];
      const runs = await Promise.all(
        folders.map(async (folder) => ({
          run: basename(folder),
          folder: resolve(folder),
          checkpoints: await readCheckpoints(folder),
        })),
      );
      const lines = runs.flatMap(({ run, checkpoints: all }) =>
        all.map(
          ({ file, step, bytes }) =>
            `  ${run.padEnd(16)} ${String(step).padStart(9)}  ${(bytes / 1e6).toFixed(1).padStart(9)} MB  ${file}`,
        ),
      );
      createSay(options.json ?? false).result(
        { runs },
        lines.length > 0 ? lines.join("\n") : "There is no checkpoint yet.",
      );
    });
  checkpoints
    .command("get")
    .description("copy a checkpoint (the newest by default) out of a run")
    .argument("<run>", "the run's name, or the path of its folder")
    .argument("[file]", "which checkpoint", "latest")
    .addOption(dirOption())
    .option("-o, --out <path>", "a file or folder to copy to", ".")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExample:\n  $ pairloom checkpoints get run-0001 --dir data --out model.safetensors\n",
    )
    .action(async (run: string, file: string, options: { dir: string; out: string; json?: boolean }) => {
      const { checkpointPath } = await import("../project/runFolders.js");
      const folder = await findRun(options.dir, run);
      const source = await checkpointPath(folder, file);
      if (source === null)
        throw new UserError(
          "checkpoint_missing",
          `${folder} has no checkpoint ${file === "latest" ? "yet" : `"${file}"`}`,
          {
            hint: "`pairloom checkpoints list` shows what is there.",
          },
        );
      const isFolder = await stat(options.out).then(
        (found) => found.isDirectory(),
        () => false,
      );
      const target = resolve(isFolder ? join(options.out, basename(source)) : options.out);
      await newFile(target, (beside) => copyFile(source, beside));
      const config = join(folder, "config.json");
      createSay(options.json ?? false).result(
        { checkpoint: target, config },
        `${target}\nIts model is described in ${config}`,
      );
    });
  addImportCommand(checkpoints);
  addExportCommand(checkpoints);
  addVerifyCommand(checkpoints);
}

import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UserError } from "@pairloom/config";

/**
 * The folder of a run: by its name in a project, or by its path. A folder of imported weights (a `config.json` and
 * `checkpoints`) is one too.
 *
 * @throws UserError "run_missing"
 */
export async function findRun(dir: string, run: string): Promise<string> {
  for (const folder of [join(dir, "runs", run), run])
    for (const mark of ["run.json", "config.json"]) if (await isFile(join(folder, mark))) return folder;
  throw new UserError(
    "run_missing",
    `There is no run "${run}" in ${resolve(dir)}, nor a run's folder of that path`,
    {
      hint: "`pairloom checkpoints list` shows the runs.",
    },
  );
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() === true;
}

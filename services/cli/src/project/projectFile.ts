import { randomBytes } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import {
  isDiskFull,
  DiskFullError,
  projectSettings,
  UserError,
  type ProjectSettings,
} from "@pairloom/config";
import { hasLiteralSecret } from "@pairloom/sources/searchTemplate";
import { z } from "zod";

const fileName = "pairloom.json";

/** Reads `pairloom.json` of a project's folder. @throws UserError where it is missing or wrong, naming the field */
export async function readProjectFile(dir: string): Promise<ProjectSettings> {
  const path = join(resolve(dir), fileName);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cause;
    throw new UserError("project_missing", `There is no pairloom project in ${resolve(dir)}`, {
      hint: `Start one with: pairloom seed --dir ${dir} QUERIES.txt --search URL  (or --site URL)`,
      cause,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    // The parser's message repeats a piece of the file, which may hold a key.
    const position = /position (\d+)/.exec((cause as Error).message)?.[1];
    const line = position === undefined ? "" : `, line ${text.slice(0, Number(position)).split("\n").length}`;
    throw new UserError("config_invalid", `${path}${line} is not JSON`);
  }
  return parseSettings(value, path);
}

/** @throws UserError naming each wrong field */
export function parseSettings(value: unknown, where: string): ProjectSettings {
  const parsed = projectSettings.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new UserError("config_invalid", `${where} is not right:\n${z.prettifyError(parsed.error)}`, {
    hint: "Correct the fields named above; docs/settings.md lists them all.",
  });
}

/** The project's settings, or those of a new one (not yet written). */
export async function readOrNewProject(dir: string): Promise<ProjectSettings> {
  try {
    return await readProjectFile(dir);
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== "project_missing") throw error;
    return projectSettings.parse({ project: `p${randomBytes(4).toString("hex")}` });
  }
}

/** Writes `pairloom.json` in one step (beside, then renamed). */
export async function writeProjectFile(dir: string, settings: ProjectSettings): Promise<void> {
  const folder = resolve(dir);
  const beside = join(folder, `.${fileName}.${process.pid}`);
  try {
    await mkdir(folder, { recursive: true });
    const holdsKey = settings.sources.some(({ kind, url }) => kind === "search" && hasLiteralSecret(url));
    const file = await open(beside, "w", holdsKey ? 0o600 : 0o666);
    try {
      await file.writeFile(JSON.stringify(settings, null, 2) + "\n");
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, join(folder, fileName));
  } catch (error) {
    await rm(beside, { force: true });
    throw isDiskFull(error) ? new DiskFullError(join(folder, fileName), error) : error;
  }
}

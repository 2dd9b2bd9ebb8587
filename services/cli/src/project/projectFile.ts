import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
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
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOTDIR") throw notAFolder(dir, cause);
    if (code !== "ENOENT") throw cause;
    throw new UserError("project_missing", `There is no pairloom project in ${resolve(dir)}`, {
      hint:
        `Is --dir right? A new one begins with \`pairloom up --dir ${dir}\`, or with ` +
        `\`pairloom seed --dir ${dir} QUERIES.txt --search URL\` (or --site URL).`,
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
export async function readOrNewProject(dir: string): Promise<{ settings: ProjectSettings; isNew: boolean }> {
  try {
    return { settings: await readProjectFile(dir), isNew: false };
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== "project_missing") throw error;
    return {
      settings: projectSettings.parse({ project: `p${randomBytes(4).toString("hex")}` }),
      isNew: true,
    };
  }
}

/**
 * The project's settings; a folder that isn't there, or is empty, becomes a project. Of many that begin one at once, one
 * does, and the others read what it wrote.
 * @throws UserError "dir_in_use" where the folder holds something else
 */
export async function readOrStartProject(
  dir: string,
): Promise<{ settings: ProjectSettings; isNew: boolean }> {
  const { settings, isNew } = await readOrNewProject(dir);
  if (!isNew) return { settings, isNew };
  const [other] = await visibleEntries(resolve(dir));
  if (other !== undefined)
    throw new UserError(
      "dir_in_use",
      `${resolve(dir)} is no pairloom project, and holds other files (${other})`,
      {
        hint:
          "Name a new or an empty folder with --dir. " +
          `To begin a project in this one all the same: pairloom seed --dir ${dir} --help`,
      },
    );
  if (await publishProjectFile(dir, settings)) return { settings, isNew };
  return { settings: await readProjectFile(dir), isNew: false };
}

/** Names in a folder, without those that systems put into every one; none where it isn't there. */
async function visibleEntries(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error.code === "ENOTDIR" ? notAFolder(folder, error) : error;
  });
  return names.filter((name) => !name.startsWith(".") && name !== "lost+found");
}

function notAFolder(dir: string, cause: unknown): UserError {
  return new UserError("dir_not_a_folder", `${resolve(dir)} is not a folder`, {
    hint: "Name another with --dir.",
    cause,
  });
}

/** Writes `pairloom.json` in one step (beside, then renamed). */
export async function writeProjectFile(dir: string, settings: ProjectSettings): Promise<void> {
  await writeBeside(dir, settings, (beside, path) => rename(beside, path));
}

/** Writes the `pairloom.json` of a new project. @returns false where another process was quicker: its file stays */
export async function publishProjectFile(dir: string, settings: ProjectSettings): Promise<boolean> {
  try {
    await writeBeside(dir, settings, async (beside, path) => {
      await link(beside, path);
      await rm(beside);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

async function writeBeside(
  dir: string,
  settings: ProjectSettings,
  publish: (beside: string, path: string) => Promise<void>,
): Promise<void> {
  const folder = resolve(dir);
  const beside = join(folder, `.${fileName}.${randomUUID()}`);
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
    await publish(beside, join(folder, fileName));
  } catch (error) {
    await rm(beside, { force: true });
    throw isDiskFull(error) ? new DiskFullError(join(folder, fileName), error) : error;
  }
}

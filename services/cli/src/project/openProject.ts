import { mkdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { ProjectSettings } from "@pairloom/config";
import { UserError } from "@pairloom/config";
import type { RedisHandle, Road } from "@pairloom/queue";
import type { Store } from "@pairloom/storage";
import { troubleNotice, type Trouble } from "../terminal/troubleNotice.js";
import { redisOptions } from "./environment.js";
import { readOrStartProject, readProjectFile } from "./projectFile.js";
import { storeEpochs } from "./storeEpochs.js";

/** A project opened for work: its folder, store, Redis and road. */
export interface Project {
  dir: string;
  settings: ProjectSettings;
  store: Store;
  redis: RedisHandle;
  road: Road;
  close(): Promise<void>;
}

/** Web settings that the command line may set for one command. */
export interface WebOptions {
  /** Added to the settings' own. */
  allowPrivate?: string[];
  contact?: string;
  hostGapMs?: number;
  addressGapMs?: number;
}

export interface ProjectOptions extends WebOptions {
  dir: string;
  /** Told when the project's Redis can't go on for now (a full disk); standard error by default. */
  onTrouble?: (trouble: Trouble) => void;
  /** Opens the project also where Redis has lost its queues: to show that, or to mend it. */
  evenForgotten?: boolean;
}

/**
 * Opens the project in a folder; starts or joins its Redis.
 * @throws UserError where there is no project, its file is wrong, no Redis can be had, or Redis has lost the project's queues
 */
export async function openProject(options: ProjectOptions, given?: ProjectSettings): Promise<Project> {
  const dir = resolve(options.dir);
  const { openRedis, openRoad } = await import("@pairloom/queue");
  const { openStore } = await import("@pairloom/storage");
  const settings = withOptions(given ?? (await readProjectFile(dir)), options);
  await ensureFolder(dir);
  const store = await openStore(dir);
  const onTrouble = options.onTrouble ?? troubleNotice((line) => void process.stderr.write(`${line}\n`));
  const redis = await openRedis({ dir, ...redisOptions(), onTrouble });
  const road = await openRoad(redis, settings.project, {
    epochs: storeEpochs(store, options.dir),
    evenForgotten: options.evenForgotten ?? false,
  }).catch(async (error: unknown) => {
    await redis.close();
    throw error;
  });
  return {
    dir,
    settings,
    store,
    redis,
    road,
    close: async () => {
      await road.close();
      await redis.close();
    },
  };
}

/**
 * Opens the project in a folder; one that isn't there, or is empty, becomes a project, which `say` is told.
 * @throws UserError as `openProject`, and "dir_in_use" where the folder holds something else
 */
export async function openOrStartProject(
  options: ProjectOptions,
  say: (line: string) => void,
): Promise<Project> {
  const { settings, isNew } = await readOrStartProject(options.dir);
  if (isNew) say(`A new project, in ${resolve(options.dir)}.`);
  return openProject(options, settings);
}

/** Whether nothing was ever put into a project. */
export async function isEmptyProject({ store, road }: Project): Promise<boolean> {
  for (const prefix of ["queries/", "frontier/", "runs/"])
    for await (const _ of store.list(prefix)) return false;
  return road.isIdle();
}

/** The file's settings with what the command line and the environment add. */
export function withOptions(settings: ProjectSettings, options: WebOptions): ProjectSettings {
  const contact = options.contact ?? process.env["PAIRLOOM_CONTACT"] ?? settings.web.contact;
  return {
    ...settings,
    web: {
      ...settings.web,
      contact,
      hostGapMs: options.hostGapMs ?? settings.web.hostGapMs,
      addressGapMs: options.addressGapMs ?? settings.web.addressGapMs,
      allowPrivate: [...new Set([...settings.web.allowPrivate, ...(options.allowPrivate ?? [])])],
    },
  };
}

async function ensureFolder(dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  if (!(await stat(dir)).isDirectory())
    throw new UserError("dir_not_a_folder", `${dir} is not a folder`, { hint: "Name another with --dir." });
}

import { UserError } from "@pairloom/config";
import { BlobDamagedError, setAside, type Store } from "@pairloom/storage";
import type { Project } from "../project/openProject.js";

export const mendedStages = ["expand", "crawl", "fetch", "dedupe", "release", "train"] as const;
export type MendedStage = (typeof mendedStages)[number];

/** What mending found and did. */
export interface Mended {
  /** Jobs that were put back, by stage. */
  jobs: Record<MendedStage, number>;
  /** Damaged files, and where they lie now. */
  setAside: { file: string; why: string; place: string }[];
  /** What can't be rebuilt from the project's files, and what to do. */
  lost: string[];
}

/** One run of `up --mend`. */
export interface Mending {
  project: Pick<Project, "dir" | "road" | "store" | "settings">;
  mended: Mended;
  /** Something went out of the way that was counted or marked already: it all begins anew. */
  again: boolean;
  /** Told now and then what is being looked at. */
  progress: (line: string) => void;
}

export const noJobs = (): Mended["jobs"] => ({
  expand: 0,
  crawl: 0,
  fetch: 0,
  dedupe: 0,
  release: 0,
  train: 0,
});

/** Takes a file out of the way that can't be used, and writes that down. */
export async function putAside({ project, mended }: Mending, file: string, why: string): Promise<void> {
  const place = await setAside(project.store, file);
  if (place !== null) mended.setAside.push({ file, why, place });
}

/** Names in the store below a prefix. */
export async function* namesOf(store: Store, prefix: string): AsyncGenerator<string, void> {
  for await (const { name } of store.list(prefix)) yield name;
}

/** The id in a name such as "crawls/ID.jsonl.gz"; null where it is another file. */
export function idIn(prefix: string, name: string): string | null {
  const suffix = ".jsonl.gz";
  return name.endsWith(suffix) ? name.slice(prefix.length, -suffix.length) : null;
}

const damageCodes = new Set(["segment_corrupt", "candidates_corrupt", "plan_corrupt"]);

/** Why a file can't be used; null where reading it failed for another reason (no permission, a failing disk). */
export function damageOf(error: unknown): string | null {
  if (error instanceof BlobDamagedError) return error.message;
  return error instanceof UserError && damageCodes.has(error.code) ? error.message : null;
}

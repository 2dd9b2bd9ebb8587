import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describeModel, modelConfigSchema } from "@pairloom/clip";
import { UserError } from "@pairloom/config/errors";
import { z } from "zod";
import { freeSettings, type TrainSettings, trainSettings } from "../settings/trainSettings.js";
import { writeJsonDurably } from "./writeDurably.js";

/** `run.json`: what a run folder holds, and what made it. */
export const runRecord = z.object({
  version: z.literal(1),
  settings: trainSettings,
  /** The model in open_clip's schema; `config.json` says the same for other tools. */
  model: modelConfigSchema,
  data: z.object({
    fingerprint: z.string(),
    /** What the fingerprint is made of; records of before there were two don't say. */
    fingerprintForm: z.literal([1, 2]).default(1),
    samples: z.int(),
    skipped: z.int(),
    stepsPerEpoch: z.int(),
    cached: z.boolean(),
  }),
  /** Steps of the whole run. */
  steps: z.int(),
  engine: z.object({ name: z.string(), version: z.string(), threads: z.int() }),
  versions: z.object({ node: z.string(), platform: z.string() }),
});
export type RunRecord = z.infer<typeof runRecord>;

/** The record of a run folder; null where it is no run folder. @throws UserError "run_damaged" */
export async function readRunRecord(run: string): Promise<RunRecord | null> {
  const path = join(run, "run.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
  try {
    return runRecord.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError("run_damaged", `${path} is not a run's record`, {
      hint: "Choose another --out folder.",
      cause: error,
    });
  }
}

export async function writeRunRecord(run: string, record: RunRecord): Promise<void> {
  await writeJsonDurably(join(run, "config.json"), openClipConfig(record.model));
  await writeJsonDurably(join(run, "run.json"), record);
}

/** The model's config with `quick_gelu` where open_clip looks for it. */
function openClipConfig({ quick_gelu, ...model }: RunRecord["model"]): object {
  return describeModel({ ...model, quick_gelu });
}

/**
 * Checks that a run is resumed as it was begun.
 *
 * @returns warnings: what may keep the bits from being the same
 * @throws UserError "resume_differs" naming what differs
 */
export function checkResume(old: RunRecord, now: RunRecord): string[] {
  const keys = Object.keys(now.settings) as (keyof TrainSettings)[];
  const differing = keys
    .filter((key) => !freeSettings.has(key) && old.settings[key] !== now.settings[key])
    .map(
      (key) =>
        `\`${key}\` was ${JSON.stringify(old.settings[key])}, now ${JSON.stringify(now.settings[key])}`,
    );
  if (JSON.stringify(old.model) !== JSON.stringify(now.model)) differing.push("the model config is another");
  if (old.data.fingerprint !== now.data.fingerprint)
    differing.push(`the release is another than the run was begun with (${old.settings.data})`);
  else if (old.data.cached !== now.data.cached) {
    differing.push(
      `the pictures ${old.data.cached ? "fitted" : "did not fit"} the cache, which decides their order`,
    );
  } else if (old.data.samples !== now.data.samples) {
    differing.push(`the release had ${old.data.samples} usable samples, now ${now.data.samples}`);
  }
  if (differing.length > 0) {
    throw new UserError("resume_differs", `Can't resume: ${differing.join("; ")}`, {
      hint: "Resume with the settings in the run's run.json, or start a new run in another folder.",
    });
  }
  const engine = (["name", "version", "threads"] as const).filter(
    (key) => old.engine[key] !== now.engine[key],
  );
  return engine.map(
    (key) => `the engine's ${key} was ${old.engine[key]}, now ${now.engine[key]}: the last digits may differ`,
  );
}

import { UserError } from "@pairloom/config";
import type { Store } from "@pairloom/storage";
import { z } from "zod";

/** What somebody wants of a run: that it trains, that it waits, that it ends for good. */
export const wishKinds = ["train", "pause", "cancel"] as const;
export type WishKind = (typeof wishKinds)[number];

/** What was asked for when a run was launched: never changed. Published first, it claims the run's name. */
export const runJob = z.strictObject({
  version: z.literal(1),
  run: z.string(),
  /** Settings of `pairloom train` as they were given; the recipe's values are not written out. */
  settings: z.record(z.string(), z.unknown()),
  /** "cpu", "gpu:0", "webgpu:0": trainings of one device go one after another. */
  device: z.string(),
  /** 1 is first; jobs of equal priority keep their order. */
  priority: z.int().min(1),
  clonedFrom: z.string().nullable(),
  /** ISO 8601. */
  asked: z.string(),
});
export type RunJob = z.infer<typeof runJob>;

const wishRecord = z.strictObject({ version: z.literal(1), wish: z.enum(wishKinds), asked: z.string() });

/** A run's job with the newest wish: each wish is a numbered file that is never replaced, so what was wished survives any kill. */
export interface WishedRun {
  job: RunJob;
  wish: WishKind;
  /** The wish's number; the launch is number 0. */
  number: number;
  /** The number of the newest wish to train: the queue's job of that wish is the one that counts. */
  train: number;
  /** When the newest wish was made. */
  asked: string;
}

const folder = (run: string) => `runs/${run}/job/`;
const wishName = (run: string, number: number) => `${folder(run)}${String(number).padStart(6, "0")}.json`;

/** Publishes a launch. @returns "exists" where the name is taken by another */
export function publishRunJob(store: Store, job: RunJob): Promise<"published" | "exists"> {
  return store.publish(wishName(job.run, 0), encode(job));
}

/** Null where the run was not launched as a job. @throws UserError "run_job_damaged" */
export async function readRunJob(store: Store, run: string): Promise<WishedRun | null> {
  const names: string[] = [];
  for await (const { name } of store.list(folder(run))) names.push(name);
  if (names[0] !== wishName(run, 0)) return null;
  const job = await parse(store, names[0], runJob);
  let found: WishedRun = { job, wish: "train", number: 0, train: 0, asked: job.asked };
  for (const [number, name] of names.entries()) {
    if (number === 0) continue;
    const { wish, asked } = await parse(store, name, wishRecord);
    found = { job, wish, number, train: wish === "train" ? number : found.train, asked };
  }
  return found;
}

/**
 * Publishes the wish that follows `after`.
 * @returns false where somebody wished something else meanwhile: look again and decide anew
 */
export async function publishWish(store: Store, after: WishedRun, wish: WishKind): Promise<boolean> {
  const record = { version: 1, wish, asked: new Date().toISOString() };
  return (await store.publish(wishName(after.job.run, after.number + 1), encode(record))) === "published";
}

/** True as soon as any wish follows number `number`. */
export async function isOvertaken(store: Store, run: string, number: number): Promise<boolean> {
  return (await store.stat(wishName(run, number + 1))) !== null;
}

/** The id of the queue's job for a wish to train. */
export const trainingJobId = (run: string, wish: number): string => `t-${run}-${wish}`;

/** The lane of a device in the trainer's queue: processors take the queue itself. */
export const deviceLane = (device: string): string | undefined => (device === "cpu" ? undefined : device);

const encode = (value: unknown) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`);

async function parse<T>(store: Store, name: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse((await store.get(name)).toString("utf8")));
  } catch (cause) {
    throw new UserError("run_job_damaged", `${name} in ${store.url} is not a training job's record`, {
      hint: "Launch the training anew under another name.",
      cause,
    });
  }
}

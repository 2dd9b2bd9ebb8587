import { type FileHandle, mkdir, open, readdir, rm, truncate } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { DiskFullError, isDiskFull } from "@pairloom/config/errors";
import { readWholeFile } from "@pairloom/storage";
import type { EvaluationMetrics, StepMetrics } from "../metricsLog.js";
import { encodeEvent, recordEnds, type TensorBoardEvent } from "./eventRecord.js";
import { scalarsOf } from "./scalarsOf.js";

/** A run's event files in `<run>/tensorboard`, for `tensorboard --logdir`. */
export interface EventLog {
  /** @throws DiskFullError */
  append(line: StepMetrics | EvaluationMetrics): Promise<void>;
  close(): Promise<void>;
}

export const eventFolder = (run: string): string => join(run, "tensorboard");

/**
 * Opens a run's event log after `lastStep`. What older files hold of later steps is cut off, and a new file begins with the mark
 * that makes a TensorBoard that has read those already forget them: no step is shown twice.
 */
export async function openEventLog(run: string, lastStep: number): Promise<EventLog> {
  const folder = eventFolder(run);
  await mkdir(folder, { recursive: true });
  await cutEvents(folder, lastStep);
  const path = join(folder, await nextName(folder));
  const handle = await open(path, "a");
  const write = (event: Omit<TensorBoardEvent, "wallTime">) =>
    append(handle, path, encodeEvent({ wallTime: Date.now() / 1000, ...event }));
  await write({ step: 0, what: { fileVersion: "brain.Event:2" } });
  if (lastStep > 0) await write({ step: lastStep + 1, what: { sessionStart: true } });
  return {
    append: (line) => write({ step: line.step, what: { scalars: scalarsOf(line) } }),
    close: () => handle.close(),
  };
}

async function append(handle: FileHandle, path: string, record: Buffer): Promise<void> {
  try {
    await handle.appendFile(record);
  } catch (error) {
    if (isDiskFull(error)) throw new DiskFullError(path, error);
    throw error;
  }
}

const isEventFile = (name: string) => name.startsWith("events.out.tfevents.");

/** Cuts each file before its first event of a later step, and off what a crash left half written. */
async function cutEvents(folder: string, lastStep: number): Promise<void> {
  for (const name of (await readdir(folder)).filter(isEventFile)) {
    const path = join(folder, name);
    const file = await readWholeFile(path);
    const records = recordEnds(file);
    const later = records.findIndex(({ step }) => step > lastStep);
    const kept = later === -1 ? records : records.slice(0, later);
    const end = kept.at(-1)?.end ?? 0;
    if (kept.length <= 1)
      await rm(path); // nothing but the version
    else if (end < file.length) await truncate(path, end);
  }
}

/** Readers take files in the order of their names: each later one begins with a greater second. */
async function nextName(folder: string): Promise<string> {
  const seconds = (await readdir(folder))
    .filter(isEventFile)
    .map((name) => Number(/tfevents\.(\d+)/.exec(name)?.[1] ?? 0));
  const second = Math.max(Math.floor(Date.now() / 1000), ...seconds.map((taken) => taken + 1));
  return `events.out.tfevents.${String(second).padStart(10, "0")}.${hostname()}.${process.pid}.0`;
}

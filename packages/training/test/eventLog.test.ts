import { appendFile, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StepMetrics } from "../src/run/metricsLog.js";
import { crc32c, maskedCrc32c } from "../src/run/tensorboard/crc32c.js";
import { encodeEvent, recordEnds } from "../src/run/tensorboard/eventRecord.js";
import { eventFolder, openEventLog } from "../src/run/tensorboard/eventLog.js";
import { scalarsOf } from "../src/run/tensorboard/scalarsOf.js";

const line = (step: number): StepMetrics => ({
  step,
  epoch: 0,
  loss: 1 / step,
  logitScale: 14.3,
  gradientNorm: 2,
  lr: 1e-3,
  samplesPerSecond: 100,
  dataWaitMs: 20,
  stepMs: 480,
  residentMegabytes: 300,
  tensors: 50,
  falseNegatives: 4,
  truncatedCaptions: 0,
});

let run: string;
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), "event-log-"));
});
afterEach(() => rm(run, { recursive: true }));

const files = async () => (await readdir(eventFolder(run))).sort();
/** Steps that the files hold, with 0 for the version of each file. */
const steps = async () =>
  Promise.all(
    (await files()).map(async (name) =>
      recordEnds(await readFile(join(eventFolder(run), name))).map(({ step }) => step),
    ),
  );
const logSteps = async (after: number, from: number, to: number) => {
  const log = await openEventLog(run, after);
  for (let step = from; step <= to; step++) await log.append(line(step));
  await log.close();
};

describe("TFRecord framing", () => {
  it("sums as RFC 3720 does", () => {
    // RFC 3720, B.4: 32 bytes of zeros, of ones, and rising
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
  });

  it("ends at a damaged record, and at one that is cut off", () => {
    const whole = [1, 2, 300].map((step) =>
      encodeEvent({ wallTime: 1.5, step, what: { scalars: { a: step } } }),
    );
    const file = Buffer.concat(whole);
    expect(recordEnds(file).map(({ step }) => step)).toEqual([1, 2, 300]);
    expect(recordEnds(file.subarray(0, file.length - 1)).map(({ step }) => step)).toEqual([1, 2]);
    file[whole[0]!.length + 20]! ^= 1;
    expect(recordEnds(file).map(({ step }) => step)).toEqual([1]);
    expect(maskedCrc32c(Buffer.alloc(0))).toBe(0xa282ead8);
  });
});

describe("the event files of a run", () => {
  it("hold each step once after a resume from an earlier one", async () => {
    await logSteps(0, 1, 5);
    await logSteps(3, 4, 6);
    await logSteps(3, 4, 7); // killed again before the next checkpoint
    expect(await steps()).toEqual([
      [0, 1, 2, 3],
      [0, 4, 4, 5, 6, 7], // the first 4 is the mark that a session starts
    ]);
  });

  it("go on after a record that a kill cut in two", async () => {
    await logSteps(0, 1, 2);
    const path = join(eventFolder(run), (await files())[0]!);
    await appendFile(path, encodeEvent({ wallTime: 1, step: 3, what: { scalars: {} } }).subarray(0, 9));
    await logSteps(2, 3, 3);
    expect(await steps()).toEqual([
      [0, 1, 2],
      [0, 3, 3],
    ]);
  });
});

it("numbers go by open_clip's names; others by their own in its spelling", () => {
  expect(scalarsOf({ ...line(2), nobodyKnew: 3 } as StepMetrics)).toEqual({
    "train/data_time": 0.02,
    "train/batch_time": 0.5,
    "train/samples_per_second": 100,
    "train/samples_per_second_per_gpu": 100,
    "train/scale": 14.3,
    "train/lr": 1e-3,
    "train/contrastive_loss": 0.5,
    "train/loss": 0.5,
    "train/epoch": 0,
    "train/gradient_norm": 2,
    "train/resident_megabytes": 300,
    "train/tensors": 50,
    "train/false_negatives": 4,
    "train/truncated_captions": 0,
    "train/nobody_knew": 3,
  });
  expect(scalarsOf({ step: 2, evaluation: { "image_to_text_R@1": 0.5 } })).toEqual({
    "val/image_to_text_R@1": 0.5,
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { imageSettings } from "@pairloom/config";
import sharp from "sharp";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Decoders, type DecodersOptions, openDecoders } from "../../src/decoders/openDecoders.js";
import { parseCores } from "../../src/decoders/onOneCore.js";
import { openCodecs } from "../../src/codecs/openCodecs.js";
import { type FailedImage, processImage, type ProcessedImage } from "../../src/processImage.js";
import { setupSharp } from "../../src/setupSharp.js";

const settings = imageSettings.parse({ imageSize: 64 });
const program = fileURLToPath(new URL("trickyDecoder.mjs", import.meta.url));

let decoders: Decoders | null = null;
const open = (options: Partial<DecodersOptions> = {}): Decoders =>
  (decoders = openDecoders({ settings, processes: 2, ...options }));
const tricky = (options: Partial<DecodersOptions> = {}): Decoders => open({ program, ...options });
afterEach(async () => {
  await decoders?.close();
  decoders = null;
});
beforeAll(() => setupSharp());
const codecs = await openCodecs();

/** libvips' own words may be another picture's: its errors lie in one place for all threads. */
const withoutWords = (answers: (ProcessedImage | FailedImage)[]) =>
  answers.map((answer) => (answer.status === "ok" ? answer : answer.reason));

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Pictures of all kinds, broken ones among them. */
async function pictures(count: number): Promise<Buffer[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
      const create = { width: 100 + n, height: 300 - n, channels: 3, background: "#fff", noise } as const;
      const picture = sharp({ create });
      const format = (["jpeg", "png", "webp", "gif"] as const)[n % 4]!;
      const bytes = await (n === 5 ? picture.avif({ effort: 0 }) : picture.toFormat(format)).toBuffer();
      if (n % 7 === 6) return bytes.subarray(0, bytes.length / 2);
      return n % 11 === 10 ? Buffer.from("<html>") : bytes;
    }),
  );
}

test("decoders say of each picture what processImage says, byte for byte", async () => {
  const all = await pictures(24);
  const opened = open();
  const answers = await Promise.all(all.map((picture) => opened.process(picture)));
  const expected = await Promise.all(all.map((picture) => processImage(picture, settings, { codecs })));
  expect(withoutWords(answers)).toEqual(withoutWords(expected));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(["ok", "failed"]));
});

test("decoders that are told to use libvips alone do, whatever the machine has", async () => {
  const all = await pictures(8);
  const wish = { ...settings, codecs: "libvips" as const };
  const opened = open({ settings: wish });
  const answers = await Promise.all(all.map((picture) => opened.process(picture)));
  const expected = await Promise.all(all.map((picture) => processImage(picture, wish)));
  expect(withoutWords(answers)).toEqual(withoutWords(expected));
});

test("decoders killed while they work cost no picture", async () => {
  const all = await pictures(40);
  const opened = open();
  await opened.process(all[0]!);
  const work = all.map((picture) => opened.process(picture));
  for (const pid of opened.pids()) process.kill(pid, "SIGKILL");
  const expected = await Promise.all(all.map((picture) => processImage(picture, settings, { codecs })));
  expect(withoutWords(await Promise.all(work))).toEqual(withoutWords(expected));
});

describe("a picture that turns its decoder against us", () => {
  const beside = (n: number) => ({ status: "failed", reason: "not_an_image", errorMessage: `${n}` });

  test.each([
    ["crash", "decode_crashed"],
    ["exit", "decode_crashed"],
    ["wrong shape", "decode_crashed"],
    ["no JSON", "decode_crashed"],
    ["another's answer", "decode_crashed"],
    ["endless", "decode_crashed"],
    ["hang", "decode_timeout"],
    ["spin", "decode_timeout"],
  ])("%s: ends as %s, and the pictures beside it are answered", async (trick, reason) => {
    const opened = tricky({ timeLimitMs: 300 });
    const work = Array.from({ length: 30 }, (_, n) => opened.process(Buffer.from(n === 7 ? trick : `${n}`)));
    const answers = await Promise.all(work);
    expect(answers[7]).toMatchObject({ status: "failed", reason });
    answers.forEach((answer, n) => n === 7 || expect(answer).toEqual(beside(n)));
  });

  test("many of them among many: each is found, and no other", async () => {
    const opened = tricky();
    const isHostile = (n: number) => n % 5 === 3;
    const texts = Array.from({ length: 60 }, (_, n) =>
      isHostile(n) ? "crash" : n % 2 === 0 ? "slow" : `${n}`,
    );
    const answers = await Promise.all(texts.map((text) => opened.process(Buffer.from(text))));
    const reasons = answers.map((answer) => (answer.status === "failed" ? answer.reason : "ok"));
    expect(reasons).toEqual(texts.map((_, n) => (isHostile(n) ? "decode_crashed" : "not_an_image")));
  });

  test("finds nothing in its environment that is ours", async () => {
    process.env["AWS_SECRET_ACCESS_KEY"] = "secret";
    const answer = await tricky().process(Buffer.from("environment"));
    delete process.env["AWS_SECRET_ACCESS_KEY"];
    expect(answer).toMatchObject({ errorMessage: expect.stringContaining("PATH") as string });
    expect(answer).toMatchObject({ errorMessage: expect.not.stringContaining("AWS") as string });
  });
});

test("decoders that don't start are an error that says why, not a reason of a picture", async () => {
  const opened = open({ program: "/nowhere/decoder.js" });
  const work = [1, 2, 3].map((n) => opened.process(Buffer.from(`${n}`)));
  await Promise.all(work.map((one) => expect(one).rejects.toThrow(/don't start.*nowhere/s)));
  await expect(opened.process(Buffer.from("4"))).rejects.toThrow(/don't start/);
});

test("no process starts before the first picture, as many as wanted do, and none is left after close", async () => {
  const opened = tricky();
  expect(opened.pids()).toEqual([]);
  await Promise.all(Array.from({ length: 20 }, () => opened.process(Buffer.from("slow"))));
  const pids = opened.pids();
  expect(pids).toHaveLength(2);
  const late = opened.process(Buffer.from("hang"));
  const refused = expect(late).rejects.toThrow(/closed/);
  await opened.close();
  await refused;
  expect(pids.filter(isRunning)).toEqual([]);
});

test("decoders end when their parent is killed", async () => {
  const parent = spawn(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { imageSettings } from "@pairloom/config";
       import { openDecoders } from "@pairloom/image/decoders";
       const decoders = openDecoders({ settings: imageSettings.parse({}), processes: 2 });
       await Promise.all([1, 2, 3, 4].map((n) => decoders.process(Buffer.from("x"))));
       console.log(decoders.pids().join());
       setInterval(() => undefined, 1000);`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [said] = (await once(parent.stdout, "data")) as [Buffer];
  const pids = said.toString().trim().split(",").map(Number);
  expect(pids.every(isRunning)).toBe(true);
  parent.kill("SIGKILL");
  for (let tries = 0; tries < 100 && pids.some(isRunning); tries++) await sleep(50);
  expect(pids.filter(isRunning)).toEqual([]);
});

test("the system's list of cores is read", () => {
  expect(parseCores("0-2,5,8-9")).toEqual([0, 1, 2, 5, 8, 9]);
  expect(parseCores("")).toEqual([]);
  expect(parseCores("0x3")).toEqual([]);
});

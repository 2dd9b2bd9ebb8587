import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { clipDeviation, clipMean, decodeImage, preprocessImage, readSafetensors } from "../src/index.js";

const folder = new URL("fixtures/modes/", import.meta.url);
const reference = readSafetensors(readFileSync(new URL("modes.safetensors", folder)));

/** The tower's 32 × 32 input as bytes again. */
async function seen(name: string): Promise<number[]> {
  const image = await decodeImage(readFileSync(new URL(name, folder)));
  const values = preprocessImage(image, { size: 32, resample: image.resample });
  return Array.from(values, (value, i) =>
    Math.abs(Math.round(255 * (value * clipDeviation[i % 3]! + clipMean[i % 3]!))),
  );
}

test("there are pictures of seventeen kinds", () => expect(reference.size).toBe(17));

test.each([...reference.keys()])("%s is seen as Pillow and open_clip see it", async (name) => {
  expect(await seen(name)).toEqual([...(reference.get(name)!.data as Uint8Array)]);
});

test("16-bit grey is scaled, where Pillow would cut it off", async () => {
  const sharp = (await import("sharp")).default;
  const raw = { width: 4, height: 4, channels: 1 as const, depth: "ushort" as const };
  const png = await sharp(new Uint16Array(16).fill(0x8040), { raw }).toColourspace("grey16").png().toBuffer();
  expect([...new Set((await decodeImage(png)).data)]).toEqual([0x80]);
});

test("a profile changes no pixel", async () => {
  const sharp = (await import("sharp")).default;
  const raw = { width: 2, height: 2, channels: 3 as const };
  const bytes = Uint8Array.from([200, 30, 60, 10, 220, 90, 90, 90, 250, 0, 128, 255]);
  const profiled = await sharp(bytes, { raw }).withIccProfile("p3").png().toBuffer();
  const stored = await sharp(profiled, { ignoreIcc: true }).raw().toBuffer();
  expect([...stored]).not.toEqual([...bytes]);
  expect([...(await decodeImage(profiled)).data]).toEqual([...stored]);
});

test("what is no picture, is cut off, or is too large is refused", async () => {
  const whole = readFileSync(new URL("rgb.jpg", folder));
  await expect(decodeImage(Buffer.from("no picture"))).rejects.toThrow();
  await expect(decodeImage(whole.subarray(0, whole.length / 2))).rejects.toThrow();
  await expect(decodeImage(whole, 1000)).rejects.toThrow(/pixel limit/);
});

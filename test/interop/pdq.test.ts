import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { imageSettings } from "@pairloom/config";
import { hammingDistance } from "@pairloom/dedupe";
import { hashImages, processImage, setupSharp } from "@pairloom/image";
import sharp, { type Sharp } from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const python = process.env.PAIRLOOM_PYTHON ?? "python3";
const probe = spawnSync(python, ["-c", "import pdqhash, numpy, PIL"], { encoding: "utf8" });
const missing =
  probe.status === 0 ? null : "needs Python with pdqhash, numpy and pillow (PAIRLOOM_PYTHON names it)";
if (missing !== null) console.log(`PDQ against the reference is skipped: ${missing}`);

/** Blurred noise in layers, like a photograph in its spectrum; the same for each number. */
async function photograph(number: number, width: number, height: number): Promise<Sharp> {
  let state = number * 2654435761 + 1;
  const layers: Buffer[] = [];
  for (const cell of [64, 16, 4, 1]) {
    const [w, h] = [Math.ceil(width / cell) + 1, Math.ceil(height / cell) + 1];
    const noise = Buffer.alloc(w * h * 3);
    for (let i = 0; i < noise.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      noise[i] = state >>> 24;
    }
    const raw = { width: w, height: h, channels: 3 as const };
    layers.push(
      await sharp(noise, { raw }).resize(width, height, { fit: "fill", kernel: "cubic" }).raw().toBuffer(),
    );
  }
  const [a, b, c, d] = layers as [Buffer, Buffer, Buffer, Buffer];
  const mixed = Buffer.alloc(width * height * 3);
  for (let i = 0; i < mixed.length; i++) {
    mixed[i] = 0.55 * a[i]! + 0.25 * b[i]! + 0.13 * c[i]! + 0.07 * d[i]!;
  }
  return sharp(mixed, { raw: { width, height, channels: 3 } });
}

describe.skipIf(missing !== null)("PDQ beside the reference implementation", () => {
  let dir: string;
  const files: string[] = [];
  let reference: [string, string, number][];
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "pdq-"));
    for (const [number, [width, height]] of [
      [640, 480],
      [600, 900],
      [333, 251],
      [1200, 300],
      [128, 128],
      [511, 700],
      [1024, 768],
    ].entries()) {
      const picture = await photograph(number, width!, height!);
      for (const format of ["jpeg", "png", "webp"] as const) {
        const path = join(dir, `${number}.${format}`);
        await picture.clone().toFormat(format, { quality: 85 }).toFile(path);
        files.push(path);
      }
    }
    const script = fileURLToPath(new URL("pdq_reference.py", import.meta.url));
    const run = spawnSync(python, [script, ...files], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    reference = run.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as [string, string, number]);
    setupSharp();
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  test("hashes of files are within 10 bits where the quality is 80 and more", async () => {
    let compared = 0;
    let at = 0;
    for await (const { pdq, quality } of hashImages(files)) {
      const [, expected, expectedQuality] = reference[at++]!;
      expect(Math.abs(quality! - expectedQuality)).toBeLessThanOrEqual(5);
      if (expectedQuality < 80) continue;
      compared++;
      expect(hammingDistance(pdq!, expected)).toBeLessThanOrEqual(10);
    }
    expect(compared).toBeGreaterThanOrEqual(12);
  });

  test("the hash hardly depends on the size and mode that pictures are stored in", async () => {
    const { readFile } = await import("node:fs/promises");
    for (const [i, path] of files.entries()) {
      const [, expected, expectedQuality] = reference[i]!;
      if (expectedQuality < 80) continue;
      for (const wish of [
        { imageSize: 32, resizeMode: "border" },
        { imageSize: 224, resizeMode: "center_crop" },
        { imageSize: 512, resizeMode: "keep_ratio" },
        { imageSize: 256, resizeMode: "no" },
      ]) {
        const image = await processImage(await readFile(path), imageSettings.parse(wish));
        expect(image.status).toBe("ok");
        if (image.status === "ok") expect(hammingDistance(image.pdq!, expected)).toBeLessThanOrEqual(10);
      }
    }
  });
});

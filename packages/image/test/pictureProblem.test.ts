import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { pictureProblem, setupSharp } from "../src/index.js";

const pictures = new Map<string, Buffer>();
beforeAll(async () => {
  setupSharp();
  const noise = { type: "gaussian" as const, mean: 128, sigma: 40 };
  const drawn = sharp({ create: { width: 300, height: 200, channels: 3, background: "#000", noise } });
  for (const format of ["jpeg", "png", "webp", "gif"] as const)
    pictures.set(format === "jpeg" ? "jpg" : format, await drawn.clone().toFormat(format).toBuffer());
});

describe("the check of a picture", () => {
  it("finds nothing wrong with whole ones", async () => {
    for (const [extension, bytes] of pictures) expect(await pictureProblem(bytes), extension).toBeNull();
  });

  it("finds one that breaks off, wherever it does", async () => {
    for (const [extension, bytes] of pictures)
      for (const share of [0.05, 0.5, 0.9]) {
        const part = bytes.subarray(0, Math.floor(share * bytes.length));
        expect(await pictureProblem(part), `${extension} ${share}`).toMatch(/can't be decoded/);
      }
  });

  it("finds what is no picture", async () => {
    for (const bytes of [Buffer.from("<html>"), Buffer.alloc(0), Buffer.from("<svg/>")])
      expect(await pictureProblem(bytes)).toBe("its bytes are no picture");
  });
});

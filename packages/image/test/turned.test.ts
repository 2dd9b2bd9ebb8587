import sharp from "sharp";
import { expect, test } from "vitest";
import { turned } from "../src/turned.js";

test.each([1, 2, 3, 4, 5, 6, 7, 8])("orientation %i: turned as sharp turns", async (orientation) => {
  const raw = { width: 3, height: 2, channels: 3 as const };
  const data = Buffer.from(Array.from({ length: 18 }, (_, i) => i * 13));
  const file = await sharp(data, { raw }).webp({ lossless: true }).withMetadata({ orientation }).toBuffer();
  const theirs = await sharp(file, { autoOrient: true }).raw().toBuffer({ resolveWithObject: true });
  const { width, height } = theirs.info;
  expect(turned({ data, ...raw }, orientation)).toEqual({ data: theirs.data, width, height, channels: 3 });
});

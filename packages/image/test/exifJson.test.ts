import { imageSettings } from "@pairloom/config";
import fc from "fast-check";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { exifJson } from "../src/exifJson.js";
import { processImage } from "../src/processImage.js";
import { setupSharp } from "../src/setupSharp.js";

let photo: Buffer;
let exif: Buffer;
beforeAll(async () => {
  photo = await sharp({ create: { width: 30, height: 20, channels: 3, background: "#777" } })
    .jpeg()
    .withExif({
      IFD0: { Make: "Camera Works", Model: "X-1" },
      IFD2: {
        ExposureTime: "10/2000",
        FNumber: "28/10",
        ISOSpeedRatings: "400",
        DateTimeOriginal: "2024:01:02 03:04:05",
      },
      IFD3: { GPSLatitudeRef: "N", GPSLatitude: "51/1 30/1 3230/100" },
    })
    .toBuffer();
  exif = (await sharp(photo).metadata()).exif!;
  setupSharp();
});

describe("exifJson", () => {
  test("names and values are written as exifread writes them", async () => {
    const image = await processImage(photo, imageSettings.parse({}));
    expect(image.status === "ok" && JSON.parse(image.exif!)).toMatchObject({
      "Image Make": "Camera Works",
      "Image Model": "X-1",
      "EXIF ExposureTime": "1/200",
      "EXIF FNumber": "14/5",
      "EXIF ISOSpeedRatings": "400",
      "EXIF DateTimeOriginal": "2024:01:02 03:04:05",
      "GPS GPSLatitudeRef": "N",
      "GPS GPSLatitude": "[51, 30, 323/10]",
    });
  });

  test("whatever the bytes, it neither throws nor hangs", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 20 }),
        fc.nat(),
        (changes, length) => {
          const broken = Buffer.from(exif.subarray(0, 8 + (length % exif.length)));
          for (const [at, value] of changes) broken[at % broken.length] = value;
          const json = exifJson(broken);
          if (json !== null) expect(JSON.parse(json)).toBeTypeOf("object");
        },
      ),
      { numRuns: 500 },
    );
    expect(exifJson(Buffer.alloc(0))).toBeNull();
    expect(exifJson(Buffer.from("II*\0"))).toBeNull();
  });
});

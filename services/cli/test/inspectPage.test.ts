import type { ChosenSample, Survey } from "@pairloom/shards";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { contactSheet } from "../src/project/contactSheet.js";
import { inspectPage } from "../src/project/inspectPage.js";

/** 60×40, lying: red, with a blue corner at the top left. */
const lying = () =>
  sharp({ create: { width: 60, height: 40, channels: 3, background: "#ff0000" } }).composite([
    { input: { create: { width: 20, height: 20, channels: 3, background: "#0000ff" } }, left: 0, top: 0 },
  ]);
const picture = () => lying().png().toBuffer();
/** As a camera held upright writes it: to be turned to the right by a quarter. */
const turned = () => lying().withMetadata({ orientation: 6 }).jpeg({ quality: 100 }).toBuffer();

const sample = async (change: Partial<ChosenSample> = {}): Promise<ChosenSample> => ({
  key: "000000001",
  shard: "00000.tar",
  extension: "png",
  text: "a caption",
  json: { url: "https://a.example/1.png" },
  image: await picture(),
  ...change,
});

const spread = { least: 1, median: 2, p99: 3, most: 4, sum: 10 };
const survey = (chosen: ChosenSample[], change: Partial<Survey> = {}): Survey => ({
  shards: 2,
  ofShards: 5,
  samples: 1234,
  formats: { png: 1200, jpg: 34 },
  pictureBytes: spread,
  captionCharacters: spread,
  repeatedCaptions: 7,
  quarantined: { no_text: 3 },
  noted: { record_dropped: 2 },
  chosen,
  ...change,
});

const pixelOf = async (image: Buffer | string, left: number, top: number) => {
  const { data } = await sharp(image)
    .extract({ left, top, width: 1, height: 1 })
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return [...data].map((value) => (value > 127 ? 255 : 0));
};
const [red, blue] = [
  [255, 0, 0],
  [0, 0, 255],
];

describe("the page of samples", () => {
  it("loads nothing and says what was found, what was put aside included", async () => {
    const html = await inspectPage("laion", 3, survey([await sample()]));
    expect(html).not.toMatch(/<script|<link|src="(?!data:)|url\(|@import/i);
    expect(html).toContain(`content="default-src 'none'`);
    for (const says of [
      "1 of 1,234 samples in 2 of 5 shards, chosen by seed 3",
      "1,200 png, 34 jpg",
      "1 least, 2 median, 3 for 99 %, 4 most",
      "3 no_text",
      "000000001",
      "https://a.example/1.png",
    ])
      expect(html).toContain(says);
  });

  it("shows pictures upright", async () => {
    const html = await inspectPage(
      "a",
      0,
      survey([await sample({ image: await turned(), extension: "jpg" })]),
    );
    const jpeg = Buffer.from(/src="data:image\/jpeg;base64,([^"]+)"/.exec(html)![1]!, "base64");
    expect(await sharp(jpeg).metadata()).toMatchObject({ width: 40, height: 60 });
    expect([await pixelOf(jpeg, 35, 5), await pixelOf(jpeg, 5, 5)]).toEqual([blue, red]);
  });

  it("takes what strangers wrote as text, never as markup", async () => {
    const nasty = `</pre><script>alert(1)</script>" onerror="x`;
    const html = await inspectPage(
      nasty,
      0,
      survey([await sample({ text: nasty, key: nasty, json: { nasty } })]),
    );
    expect(html).not.toContain("<script");
    expect(html).not.toMatch(/" onerror="/);
  });

  it("leaves the place of a picture that can't be decoded, and shows a sample without a record", async () => {
    const html = await inspectPage(
      "a",
      0,
      survey([await sample({ image: Buffer.from("none"), json: null })]),
    );
    expect(html).toContain("it can't be decoded");
    expect(html).not.toContain("<details>");
  });
});

describe("the contact sheet", () => {
  it("has each picture in its place, upright, and an empty place where one can't be decoded", async () => {
    const { png, undecodable } = await contactSheet([
      await sample(),
      await sample({ image: await turned() }),
      await sample({ key: "000000009", image: Buffer.from("none") }),
    ]);
    expect(undecodable).toEqual(["000000009"]);
    expect(await sharp(png).metadata()).toMatchObject({
      format: "png",
      width: 16 + 3 * 240,
      height: 16 + 306,
    });
    // Of the first, 60×40 in the middle of 224×224 at (16, 16): the corner is at its top left, …
    const [left, top] = [16 + 82, 16 + 92];
    expect([await pixelOf(png, left + 5, top + 5), await pixelOf(png, left + 50, top + 5)]).toEqual([
      blue,
      red,
    ]);
    // … of the second, 40×60, at its top right; of the third there is the frame.
    expect(await pixelOf(png, 16 + 240 + 92 + 35, 16 + 82 + 5)).toEqual(blue);
    expect(await pixelOf(png, 16 + 240 + 92 + 5, 16 + 82 + 5)).toEqual(red);
    expect(await pixelOf(png, 16 + 2 * 240 + 112, 16 + 112)).toEqual([255, 255, 255]);
  });

  it("of nothing is an empty sheet", async () => {
    expect((await contactSheet([])).undecodable).toEqual([]);
  });
});

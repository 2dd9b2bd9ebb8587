import { expect, test } from "vitest";
import { textsOf } from "../src/data/textsOf.js";

const sample = (text: string, texts: unknown) => ({
  key: "0",
  image: Buffer.alloc(0),
  extension: "jpg",
  text,
  json: { texts },
});

test("the caption comes first, and texts that describe the picture follow, each once", () => {
  const texts = [
    { kind: "alt", text: "a red star on sand" },
    { kind: "figcaption", text: " A small red star " },
    { kind: "title", text: "A small red star" },
  ];
  expect(textsOf(sample("a red star on sand", texts))).toEqual(["a red star on sand", "A small red star"]);
});

test("file names, words too short to describe and titles of whole pages are no captions", () => {
  const texts = [
    { kind: "alt", text: "IMG_1234.jpg" },
    { kind: "alt", text: "image" },
    { kind: "page_title", text: "Set 732 of our gallery" },
  ];
  expect(textsOf(sample("star", texts))).toEqual(["star"]);
});

test("a sidecar of another shape takes nothing away", () => {
  for (const texts of [undefined, null, "text", [null, 3, { text: 4 }]]) {
    expect(textsOf(sample("a star", texts))).toEqual(["a star"]);
  }
});

import sharp from "sharp";
import { expect, it } from "vitest";
import { searchPage } from "../src/project/searchPage.js";

const hit = { key: "000000001", shard: "00000.tar", offset: 0, score: 0.31234 };
const picture = () =>
  sharp({ create: { width: 900, height: 300, channels: 3, background: "#c33" } })
    .png()
    .toBuffer();
const page = async (change: object, sentence = "a red circle") =>
  searchPage({
    sentence,
    image: null,
    kind: "images",
    release: "r0001",
    rows: 1234,
    hits: [
      { ...hit, text: "a caption", url: "https://a.example/x.png", picture: await picture(), ...change },
    ],
  });

it("a page of results loads nothing and holds small pictures", async () => {
  const html = await page({});
  expect(html).not.toMatch(/<script|<link|src="(?!data:)|url\(|@import/i);
  const jpeg = Buffer.from(/src="data:image\/jpeg;base64,([^"]+)"/.exec(html)![1]!, "base64");
  expect(await sharp(jpeg).metadata()).toMatchObject({ format: "jpeg", width: 320, height: 107 });
  expect(html).toContain("0.3123");
  expect(html).toContain('href="https://a.example/x.png"');
  expect(html).toContain("The 1 nearest of 1,234 pictures in r0001");
});

it("what the web said is text, never markup, and no link but to the web", async () => {
  const html = await page(
    { text: '<script>alert(1)</script>" onerror="x', url: "javascript:alert(1)" },
    "<b>bold</b>",
  );
  expect(html).not.toContain("<script");
  expect(html).not.toContain("<b>bold");
  expect(html).not.toContain("javascript:");
  expect(html).not.toMatch(/" onerror="/);
});

it("a picture that can't be read or is gone leaves its place", async () => {
  expect(await page({ picture: Buffer.from("no picture") })).toContain("no picture");
  expect(await page({ picture: null })).toContain("no picture");
});

it("texts are a list, with the picture that was asked with", async () => {
  const html = await searchPage({
    sentence: null,
    image: await picture(),
    kind: "texts",
    release: "r",
    rows: 1,
    hits: [{ ...hit, text: "a caption", url: null, picture: null }],
  });
  expect(html).toMatch(/<ol class="texts"><li>.*a caption/s);
  expect(html).toContain('class="asked"');
});

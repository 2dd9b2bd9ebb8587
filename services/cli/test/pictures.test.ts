import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { besidePicture } from "../src/terminal/pictures/besidePicture.js";
import { pictureProtocol } from "../src/terminal/pictures/pictureProtocol.js";
import { sixelPicture } from "../src/terminal/pictures/sixelPicture.js";

describe("a terminal gets the pictures that it can show", () => {
  it.each([
    ["kitty", { TERM: "xterm-kitty", KITTY_WINDOW_ID: "1" }],
    ["kitty", { TERM: "xterm-ghostty" }],
    ["iterm", { TERM: "xterm-256color", TERM_PROGRAM: "iTerm.app", COLORTERM: "truecolor" }],
    ["iterm", { TERM_PROGRAM: "WezTerm" }],
    ["sixel", { TERM: "foot" }],
    ["sixel", { TERM: "xterm-sixel" }],
    ["blocks", { TERM: "xterm-256color", COLORTERM: "truecolor" }],
    ["none", { TERM: "xterm-256color", COLORTERM: "truecolor", NO_COLOR: "1" }],
    ["none", { TERM: "xterm" }],
    ["none", { TERM: "dumb", COLORTERM: "truecolor" }],
    ["blocks", { TERM: "tmux-256color", TMUX: "/tmp/t", KITTY_WINDOW_ID: "1", COLORTERM: "truecolor" }],
    ["none", { TERM: "screen", STY: "1", KITTY_WINDOW_ID: "1" }],
  ])("%s for %o", (protocol, env) => {
    expect(pictureProtocol(env, true)).toBe(protocol);
    expect(pictureProtocol(env, false)).toBe("none");
  });
});

/** 40×20: the left half red, the right half blue. */
const picture = async () =>
  sharp({ create: { width: 40, height: 20, channels: 3, background: "#ff0000" } })
    .composite([
      { input: { create: { width: 20, height: 20, channels: 3, background: "#0000ff" } }, left: 20, top: 0 },
    ])
    .png()
    .toBuffer();

/** What a terminal draws of sixels: one colour number a pixel. */
function drawSixels(text: string): { width: number; height: number; pixels: number[][] } {
  const [, size, body] = /^\x1bP0;1q"1;1;(\d+;\d+)(.*)\x1b\\$/s.exec(text)!;
  const [width, height] = size!.split(";").map(Number) as [number, number];
  const pixels = Array.from({ length: height }, () => new Array<number>(width).fill(-1));
  const bands = body!.replace(/#\d+;2;\d+;\d+;\d+/g, "").split("-");
  bands.forEach((band, number) => {
    for (const pass of band.split("$")) {
      const [, colour, run] = /^#(\d+)(.*)$/s.exec(pass)!;
      let x = 0;
      for (const [, times, one] of run!.matchAll(/(?:!(\d+))?([?-~])/g))
        for (let left = Number(times ?? 1); left > 0; left--, x++)
          for (let bit = 0; bit < 6; bit++)
            if (((one!.charCodeAt(0) - 63) >> bit) & 1) pixels[number * 6 + bit]![x] = Number(colour);
    }
  });
  return { width, height, pixels };
}

it("sixels draw every pixel once, in its colour", () => {
  const [width, height] = [9, 13];
  const rgb = new Uint8Array(width * height * 3);
  const isRed = (x: number, y: number) => (x + y) % 3 === 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) rgb.set(isRed(x, y) ? [255, 0, 0] : [255, 255, 255], (y * width + x) * 3);
  const drawn = drawSixels(sixelPicture(rgb, width, height));
  expect(drawn).toMatchObject({ width, height });
  drawn.pixels.forEach((row, y) => row.forEach((colour, x) => expect(colour).toBe(isRed(x, y) ? 180 : 215)));
});

it("kitty's pieces are short enough and together a PNG", async () => {
  const noise = await sharp({
    create: {
      width: 160,
      height: 160,
      channels: 3,
      background: "#000",
      noise: { type: "gaussian", mean: 128, sigma: 60 },
    },
  })
    .png()
    .toBuffer();
  const shown = await besidePicture("kitty", noise, ["a line"]);

  const pieces = [...shown.matchAll(/\x1b_G([^;]*);([^\x1b]*)\x1b\\/g)];
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces.every(([, , base64]) => base64!.length <= 4096)).toBe(true);
  expect(pieces.map(([, keys]) => /m=(\d)/.exec(keys!)![1])).toEqual([
    ...pieces.slice(1).map(() => "1"),
    "0",
  ]);
  const png = Buffer.from(pieces.map(([, , base64]) => base64).join(""), "base64");
  expect(await sharp(png).metadata()).toMatchObject({ format: "png", width: 160, height: 160 });
});

it("iTerm2 is told the picture's bytes and place", async () => {
  const shown = await besidePicture("iterm", await picture(), ["a line"]);

  const [, size, base64] = /\x1b\]1337;File=inline=1;size=(\d+);width=10;height=5:([^\x07]+)\x07/.exec(
    shown,
  )!;
  expect(Buffer.from(base64!, "base64")).toHaveLength(Number(size));
});

it("blocks show the picture's colours in five lines of ten, text beside them", async () => {
  const shown = await besidePicture("blocks", await picture(), ["first", "second"]);
  const lines = shown.trimEnd().split("\n");
  expect(lines).toHaveLength(5);
  expect(lines[0]).toContain("first");
  const middle = lines[2]!.match(/38;2;(\d+;\d+;\d+)/g)!;
  expect(middle).toHaveLength(10);
  expect(middle[1]).toMatch(/38;2;2\d\d;\d+;/);
  expect(middle[8]).toMatch(/38;2;\d+;\d+;2\d\d/);
});

it("a picture that is missing leaves its place, and where nothing can be shown there is text alone", async () => {
  expect(await besidePicture("none", await picture(), ["one", "two"])).toBe("one\ntwo\n");
  expect((await besidePicture("blocks", null, ["one"])).split("\n")[0]).toBe(`${" ".repeat(12)}one`);
});

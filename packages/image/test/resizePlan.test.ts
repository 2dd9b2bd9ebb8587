import { imageSettings } from "@pairloom/config";
import { describe, expect, test } from "vitest";
import { resizePlan } from "../src/resizePlan.js";

const plan = (width: number, height: number, wish: object) =>
  resizePlan(width, height, imageSettings.parse(wish));

describe("resizePlan, as img2dataset computes sizes", () => {
  test("border: long side to the size, the rest white, the odd pixel right and below", () => {
    expect(plan(640, 427, { imageSize: 256, resizeMode: "border" })).toEqual({
      scaled: { width: 256, height: 171 },
      crop: null,
      pad: { left: 0, right: 0, top: 42, bottom: 43 },
      width: 256,
      height: 256,
    });
  });

  test("keep_ratio scales the short side, keep_ratio_largest the long one", () => {
    expect(plan(640, 480, { resizeMode: "keep_ratio" }).scaled).toEqual({ width: 341, height: 256 });
    expect(plan(640, 480, { resizeMode: "keep_ratio_largest" }).scaled).toEqual({ width: 256, height: 192 });
  });

  test("halves are rounded to the even neighbour, as Python does", () => {
    // 512 -> 256: a scale of exactly one half
    expect(plan(512, 333, { resizeMode: "keep_ratio_largest" }).height).toBe(166);
    expect(plan(512, 335, { resizeMode: "keep_ratio_largest" }).height).toBe(168);
  });

  test("center_crop cuts the middle of the scaled picture, rounded down", () => {
    expect(plan(643, 480, { resizeMode: "center_crop" })).toMatchObject({
      scaled: { width: 343, height: 256 },
      crop: { left: 43, top: 0, width: 256, height: 256 },
      width: 256,
      height: 256,
    });
  });

  test("no side vanishes however thin the picture", () => {
    expect(plan(10_000, 3, { resizeMode: "keep_ratio_largest" })).toMatchObject({ width: 256, height: 1 });
  });

  test("resizeOnlyIfBigger leaves smaller pictures as they are, uncropped and unpadded", () => {
    for (const resizeMode of ["border", "keep_ratio", "center_crop", "keep_ratio_largest"]) {
      expect(plan(200, 100, { resizeMode, resizeOnlyIfBigger: true })).toMatchObject({
        width: 200,
        height: 100,
      });
    }
    expect(plan(400, 200, { resizeMode: "center_crop", resizeOnlyIfBigger: true })).toMatchObject({
      width: 400,
      height: 200,
    });
    expect(plan(200, 100, { resizeMode: "keep_ratio_largest" })).toMatchObject({ width: 256, height: 128 });
  });
});

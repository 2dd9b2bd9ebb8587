import { expect, it } from "vitest";
import { projectPaths, withPaths } from "../src/project/trainingPaths.js";
import { trainArguments } from "../src/services/spawnTraining.js";

it("a job's paths count from the project's folder, so that it may be moved", () => {
  const given = { data: "data/releases/a", evaluateData: "/else/b", model: "m/small.json", lr: 0.1 };
  const kept = projectPaths("/home/x/data", "/home/x", given);
  expect(kept).toEqual({
    data: "releases/a",
    evaluateData: "/else/b",
    model: "/home/x/m/small.json",
    lr: 0.1,
  });
  expect(withPaths("/moved/data", kept)).toEqual({
    data: "/moved/data/releases/a",
    evaluateData: "/else/b",
    model: "/home/x/m/small.json",
    lr: 0.1,
  });
});

it("names of models and addresses of stores are no paths", () => {
  const given = { model: "ViT-B-32", data: "s3://bucket/release" };
  expect(withPaths("/p", given)).toEqual(given);
});

it("every setting reaches the training, with or without an option of its own, as it was", () => {
  expect(
    trainArguments({ data: "/d", lr: 1e-7, keepCaptionsApart: false, captions: "any", gradClip: null }),
  ).toEqual([
    "--data",
    "/d",
    "--set",
    "lr=1e-7",
    "--set",
    "keepCaptionsApart=false",
    "--set",
    'captions="any"',
    "--set",
    "gradClip=null",
  ]);
});

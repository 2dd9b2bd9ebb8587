import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadEngine } from "@pairloom/engine";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { launchOpenClip } from "../src/launcher/launch.js";
import { checkTrainingInput } from "../src/settings/checkTrainingInput.js";
import { resolveTrainSettings, type TrainSettingsInput } from "../src/settings/trainSettings.js";
import { train } from "../src/train.js";
import { makeSmallRelease } from "./smallRelease.js";

vi.setConfig({ testTimeout: 60_000 });

let folder: string;
let release: string;
let heldOut: string;
beforeAll(async () => {
  ({ folder, release } = await makeSmallRelease());
  heldOut = join(folder, "held-out");
  await cp(release, heldOut, { recursive: true });
  await writeFile(join(heldOut, "datacard.json"), JSON.stringify({ settings: { side: "held_out" } }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const input = (changes: object = {}) => ({
  data: release,
  out: join(folder, "run"),
  batchSize: 8,
  steps: 1,
  ...changes,
});

describe("a training's input", () => {
  it("that is right comes back with the defaults of its model", async () => {
    expect(await checkTrainingInput(input({ evaluateData: heldOut }))).toEqual(
      resolveTrainSettings(input({ evaluateData: heldOut }), "vit"),
    );
    const resnet = await checkTrainingInput(input({ model: "RN50", recipe: "openai" }));
    expect(resnet).toEqual(resolveTrainSettings(input({ model: "RN50", recipe: "openai" }), "resnet"));
  });

  it.each<[code: string, setting: string, changes: TrainSettingsInput]>([
    ["model_config_invalid", "model", { model: "none" }],
    ["release_missing", "data", { data: "/nowhere" }],
    ["no_shards", "data", { data: "." }],
    ["data_held_out", "data", { data: "held-out" }],
    ["release_too_small", "batchSize", { batchSize: 4096 }],
    ["release_missing", "evaluateData", { evaluateData: "/nowhere" }],
    ["file_missing", "zeroShotClasses", { zeroShotClasses: "/nowhere" }],
    ["file_missing", "initialCheckpoint", { initialCheckpoint: "/nowhere.safetensors" }],
    ["checkpoint_format_unknown", "initialCheckpoint", { initialCheckpoint: "." }],
    ["train_settings_invalid", "lr", { lr: 0 }],
  ])("%s names `%s`", async (code, setting, changes) => {
    const here = changes.data === undefined ? changes : { data: join(folder, changes.data) };
    if (changes.data === ".") await mkdir(join(folder, "empty"), { recursive: true });
    const given = changes.data === "." ? { data: join(folder, "empty") } : here;
    await expect(checkTrainingInput(input(given))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(`\`${setting}\``) as string,
    });
  });

  it("of a run that goes on may lack the weights that it began with", async () => {
    const initialCheckpoint = join(folder, "gone.safetensors");
    expect((await checkTrainingInput(input({ model: "tiny", initialCheckpoint, resume: true }))).resume).toBe(
      true,
    );
  });
});

describe("a held-out release", () => {
  it("is trained on by nobody who doesn't say so: not in this process, not by open_clip", async () => {
    const settings = resolveTrainSettings(input({ data: heldOut, engine: "wasm", preflightSeconds: 0 }));
    const engine = await loadEngine("wasm");
    try {
      await expect(train(settings, { engine })).rejects.toMatchObject({ code: "data_held_out" });
      const result = await train({ ...settings, allowHeldOut: true }, { engine });
      expect(result.status).toBe("finished");
    } finally {
      await engine.dispose();
    }
    const out = join(folder, "launched");
    await expect(
      launchOpenClip({ ...settings, out }, { launcher: "torchrun" }, { dryRun: true }),
    ).rejects.toMatchObject({ code: "data_held_out" });
  });

  it("is one by its own card alone: another's card, or none that can be read, makes none", async () => {
    const data = join(folder, "other");
    await cp(release, data, { recursive: true });
    for (const card of ["{}", "not JSON", '{"settings":{"side":"train"}}', "[]", '{"settings":null}']) {
      await writeFile(join(data, "datacard.json"), card);
      expect((await checkTrainingInput(input({ data }))).data).toBe(data);
    }
  });
});

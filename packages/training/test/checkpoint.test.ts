import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialParameters, parseModelConfig, readSafetensorsFile } from "@pairloom/clip";
import type { UserError } from "@pairloom/config/errors";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  type Checkpoint,
  checkpointFiles,
  listCheckpoints,
  pruneCheckpoints,
  saveCheckpoint,
  sweepCheckpoints,
} from "../src/run/checkpoint.js";
import { loadNewestCheckpoint } from "../src/run/newestCheckpoint.js";
import { smallResNet } from "./smallRelease.js";

const config = parseModelConfig({ ...smallResNet, text_cfg: { ...smallResNet.text_cfg, vocab_size: 100 } });
let run: string;
beforeEach(async () => {
  run = await mkdtemp(join(tmpdir(), "checkpoint-"));
  await mkdir(join(run, "checkpoints"));
});
afterEach(() => rm(run, { recursive: true }));

function checkpoint(step: number): Checkpoint {
  const model = initialParameters(config, step);
  const moment = { dtype: "F32", shape: [2], data: new Float32Array([step, 2]) } as const;
  return { step, cursor: null, model, optimizer: new Map([["exp_avg.logit_scale", moment]]) };
}
const save = (step: number) => saveCheckpoint(run, checkpoint(step), { format: "pt" });
const loaded = async () => {
  const warnings: string[] = [];
  return { newest: await loadNewestCheckpoint(run, config, (line) => warnings.push(line)), warnings };
};

test("a checkpoint comes back as it was saved, and its model is plain safetensors", async () => {
  const files = await save(7);
  const { newest, warnings } = await loaded();
  expect(newest).toEqual(checkpoint(7));
  expect(warnings).toEqual([]);
  expect([...(await readSafetensorsFile(files.model)).keys()].sort()).toEqual(
    [...checkpoint(7).model.keys()].sort(),
  );
});

test.each([
  ["cut short", (path: string) => truncate(path, 1000)],
  [
    "changed in one byte",
    async (path: string) => {
      const bytes = await readFile(path);
      bytes[bytes.length - 9]! ^= 1;
      await writeFile(path, bytes);
    },
  ],
  ["gone", (path: string) => rm(path)],
])("a newest checkpoint whose model is %s is passed over with a warning", async (_, damage) => {
  await save(1);
  await damage((await save(2)).model);
  const { newest, warnings } = await loaded();
  expect(newest?.step).toBe(1);
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("step-000002");
  const { newest: again, warnings: none } = await loaded();
  expect(again?.step).toBe(1);
  expect(none).toEqual([]);
});

test("damage to the optimizer's file counts too", async () => {
  await save(1);
  await truncate((await save(2)).optimizer, 20);
  expect((await loaded()).newest?.step).toBe(1);
});

test.each([
  [null, [10, 11]],
  [2, [2, 10, 11]],
  [10, [10, 11]],
])("the last K stay, and the best of step %s", async (best, expected) => {
  for (const step of [1, 2, 10, 11]) await save(step);
  await pruneCheckpoints(run, 11, 2, best);
  expect((await listCheckpoints(run)).map(({ step }) => step)).toEqual(expected);
  expect(
    (await readdir(join(run, "checkpoints"))).filter((name) => name.endsWith(".safetensors")),
  ).toHaveLength(expected.length);
});

test("files of a checkpoint that was never finished are no checkpoint, and are swept", async () => {
  await save(1);
  const { model, manifest } = checkpointFiles(run, 2);
  await writeFile(model, "half");
  await writeFile(`${manifest}.part`, "half");
  expect((await listCheckpoints(run)).map(({ step }) => step)).toEqual([1]);
  await sweepCheckpoints(run);
  expect((await readdir(join(run, "checkpoints"))).filter((name) => !name.startsWith("step-000001"))).toEqual(
    [],
  );
});

test("weights of several steps without any manifest are left, and no run begins beside them at step 1", async () => {
  for (const step of [1, 2]) await rm((await save(step)).manifest);
  await sweepCheckpoints(run);
  expect(await readdir(join(run, "checkpoints"))).toHaveLength(4);
  await expect(loaded()).rejects.toMatchObject({ code: "checkpoints_unreadable" });
});

test("a newest checkpoint that can't be read, yet isn't damaged, stays where it is, and the one before is taken", async () => {
  await save(1);
  const { model } = await save(2);
  await rename(model, `${model}.kept`);
  await mkdir(model); // every read of it fails
  for (let at = 0; at < 2; at++) {
    const { newest, warnings } = await loaded();
    expect(newest?.step).toBe(1);
    expect(warnings).toEqual([
      expect.stringMatching(/step-000002\.safetensors can't be read \(EISDIR.*\); it stays/),
    ]);
  }
  await rm(model, { recursive: true });
  await rename(`${model}.kept`, model);
  expect((await loaded()).newest?.step).toBe(2);
});

test("checkpoints of which none can be read stop the run, and none is set aside; read, they go on", async () => {
  const models = [(await save(1)).model, (await save(2)).model];
  for (const model of models) {
    await rename(model, `${model}.kept`);
    await mkdir(model);
  }
  const before = await readdir(join(run, "checkpoints"));
  const error = await loaded().catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "UserError", code: "checkpoints_unreadable" });
  expect((error as UserError).message).toContain("None of the 2 checkpoints");
  expect((error as UserError).hint).toContain("left as they are");
  expect(await readdir(join(run, "checkpoints"))).toEqual(before);
});

test("checkpoints that are all damaged stop the run at each start, until their folder is removed", async () => {
  for (const step of [1, 2]) await truncate((await save(step)).model, 1000);
  for (let at = 0; at < 2; at++)
    await expect(loaded()).rejects.toMatchObject({ code: "checkpoints_unreadable" });
  await rm(join(run, "checkpoints"), { recursive: true });
  expect((await loaded()).newest).toBeNull();
});

test("of checkpoints that could not be read, and lie ahead, none takes the place of one that was made since", async () => {
  for (const step of [1, 20, 21, 2]) await save(step);
  await pruneCheckpoints(run, 2, 1, null);
  expect((await listCheckpoints(run)).map(({ step }) => step)).toEqual([2, 20, 21]);
});

import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { initialParameters, loadModelConfig, type StateDict, writeSafetensors } from "@pairloom/clip";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyCheckpoint } from "../src/project/verifyCheckpoint.js";

let folder: string;
let state: StateDict;
const config = await loadModelConfig("tiny");
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "verify-"));
  state = initialParameters(config, 0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, bytes: Uint8Array, sha256?: string): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  await writeFile(path, bytes);
  if (sha256 !== undefined) await writeFile(join(folder, `${name}.json`), JSON.stringify({ model: sha256 }));
  return path;
}

test("a sound checkpoint is sound, with and without a manifest", async () => {
  const bytes = writeSafetensors(state);
  expect(await verifyCheckpoint(await written("bare", bytes), { model: "tiny" })).toMatchObject({
    ok: true,
    digestMatches: null,
  });
  const digest = createHash("sha256").update(bytes).digest("hex");
  expect(await verifyCheckpoint(await written("whole", bytes, digest), { model: "tiny" })).toMatchObject({
    ok: true,
    digestMatches: true,
    tensors: state.size,
  });
});

test("one flipped bit is seen by its digest", async () => {
  const bytes = writeSafetensors(state);
  const digest = createHash("sha256").update(bytes).digest("hex");
  bytes[bytes.length - 3]! ^= 1;
  const verdict = await verifyCheckpoint(await written("flipped", bytes, digest), { model: "tiny" });
  expect(verdict).toMatchObject({ ok: false, digestMatches: false });
  expect(verdict.problem).toMatch(/sha256/);
});

test("a number that is none, another model's shapes, and a file cut off are named", async () => {
  const broken = new Map(state);
  broken.set("logit_scale", { dtype: "F32", shape: [], data: Float32Array.of(NaN) });
  const path = await written("nan", writeSafetensors(broken));
  for (const model of ["tiny", undefined]) {
    expect((await verifyCheckpoint(path, { model })).problem).toMatch(/`logit_scale` holds NaN/);
  }
  const other = await verifyCheckpoint(await written("other", writeSafetensors(state)), {
    model: "ViT-B-32",
  });
  expect(other.problem).toMatch(/shape|lacks/);
  const cut = writeSafetensors(state).subarray(0, 5000);
  expect((await verifyCheckpoint(await written("cut", cut), { model: "tiny" })).ok).toBe(false);
});

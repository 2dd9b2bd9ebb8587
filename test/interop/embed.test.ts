import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { initialParameters, parseModelConfig, readSafetensorsFile, writeSafetensors } from "@pairloom/clip";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lastJson, pairloom } from "../road/pairloom.js";
import { openClipPython, openClipReason } from "./openClip.js";

if (openClipReason !== null) console.log(`embedding beside open_clip is skipped: ${openClipReason}`);

/** Pictures of every shape: landscape, portrait, grey, with palette, with alpha, small, wide. */
const pictures = fileURLToPath(new URL("../../packages/clip/test/fixtures/preprocess", import.meta.url));
const script = fileURLToPath(new URL("torchrun_reference.py", import.meta.url));
const captions = [
  "a red circle",
  "",
  "Ünïcode — “quotes”, emoji 🦊 and\ttabs",
  "two &amp; three <b>stars</b>",
  "a sentence that has many more words than the model's context of sixteen tokens can hold at once",
];
const config = {
  embed_dim: 32,
  vision_cfg: { image_size: 224, patch_size: 32, width: 64, layers: 2, head_width: 32 },
  text_cfg: { context_length: 16, vocab_size: 49408, width: 32, heads: 2, layers: 2 },
};

describe.skipIf(openClipReason !== null)("pictures and captions straight from files", () => {
  let folder: string;
  let weights: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pairloom-embed-"));
    // open_clip takes any weights that lie beside the config
    const model = join(folder, "model");
    await mkdir(model);
    weights = join(model, "open_clip_model.safetensors");
    await writeFile(weights, writeSafetensors(initialParameters(parseModelConfig(config), 3)));
    await writeFile(join(folder, "model.json"), JSON.stringify(config));
    const preprocess_cfg = {
      mean: [0.48145466, 0.4578275, 0.40821073],
      std: [0.26862954, 0.26130258, 0.27577711],
    };
    await writeFile(
      join(model, "open_clip_config.json"),
      JSON.stringify({ model_cfg: config, preprocess_cfg }),
    );
    await writeFile(join(folder, "captions.txt"), `${captions.join("\n")}\n`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("have the features that open_clip gives them (cosine 0.99999)", async () => {
    const out = join(folder, "features.safetensors");
    const ran = await pairloom(["embed", "--engine", "wasm", "--model", join(folder, "model.json"), "--checkpoint", weights, "--images", pictures, "--captions", join(folder, "captions.txt"), "--out", out, "--json"]); // prettier-ignore
    expect(ran.code, ran.stderr).toBe(0);
    const { paths } = lastJson<{ paths: string }>(ran);
    const names = JSON.parse(await readFile(paths, "utf8")) as string[];
    expect(names).toHaveLength(9);
    const args = [
      "embed",
      join(folder, "model"),
      weights,
      ...names.map((name) => join(pictures, name)),
      "--",
      ...captions,
    ];
    const run = spawnSync(openClipPython, [script, ...args], { encoding: "utf8", maxBuffer: 1e8 });
    expect(run.status, run.stderr).toBe(0);
    const theirs = JSON.parse(run.stdout.trim().split("\n").at(-1)!) as {
      pictures: number[][];
      texts: number[][];
    };
    const ours = await readSafetensorsFile(out);
    for (const [tensor, rows] of [
      ["image_features", theirs.pictures],
      ["text_features", theirs.texts],
    ] as const) {
      const { data, shape } = ours.get(tensor)!;
      expect(shape).toEqual([rows.length, 32]);
      rows.forEach((row, at) => {
        const cosine = row.reduce(
          (sum, value, i) => sum + value * ((data as Float32Array)[at * 32 + i] ?? NaN),
          0,
        );
        expect(cosine, `${tensor} ${at}`).toBeGreaterThan(0.99999);
        expect(cosine).toBeLessThan(1.00001);
      });
    }
  });
});

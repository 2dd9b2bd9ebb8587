import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  initialParameters,
  type ModelConfig,
  parseModelConfig,
  readModel,
  writeSafetensors,
} from "@pairloom/clip";
import { UserError } from "@pairloom/config";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createProgram } from "../src/program.js";
import { newFolder } from "../src/project/newFolder.js";

let folder: string;
let run: string;
let config: ModelConfig;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "formats-"));
  run = join(folder, "run");
  config = parseModelConfig({
    embed_dim: 8,
    quick_gelu: true,
    vision_cfg: { image_size: 32, patch_size: 16, width: 64, layers: 1 },
    text_cfg: { context_length: 4, vocab_size: 10, width: 64, heads: 1, layers: 1 },
  });
  await mkdir(join(run, "checkpoints"), { recursive: true });
  await writeFile(join(run, "config.json"), JSON.stringify(config));
  await writeFile(
    join(run, "checkpoints", "step-000004.safetensors"),
    writeSafetensors(initialParameters(config, 5)),
  );
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `pairloom checkpoints …` here: its JSON, and its warnings. */
async function checkpoints<T>(...args: string[]): Promise<{ result: T; warnings: string }> {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((stream) =>
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    }),
  );
  try {
    await (
      await createProgram(["checkpoints"])
    ).parseAsync(["checkpoints", ...args, "--json"], { from: "user" });
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return { result: JSON.parse(written.stdout) as T, warnings: written.stderr };
}

const out = (name: string) => join(folder, name);

describe("export", () => {
  test.each([
    ["openclip", "open-clip", ["open_clip_config.json", "open_clip_model.safetensors"], "local-dir:"],
    [
      "hf",
      "hf",
      ["config.json", "model.safetensors", "preprocessor_config.json"],
      "CLIPModel.from_pretrained",
    ],
    ["onnx", "onnx", ["image.onnx", "preprocessor_config.json", "text.onnx"], "onnxruntime.InferenceSession"],
    ["safetensors", "model.safetensors", [], "safetensors.torch.load_file"],
    ["pt", "model.pt", [], "torch.load"],
  ])("%s writes what it says and how to load it", async (format, name, files, load) => {
    const { result } = await checkpoints<Record<string, unknown>>(
      "export",
      run,
      "--format",
      format,
      "--out",
      out(name),
    );
    expect(result).toMatchObject({ checkpoint: out(name), format, files, config: join(run, "config.json") });
    expect(String(result["load"])).toContain(load);
    if (files.length > 0) expect((await readdir(out(name))).sort()).toEqual(files);
    if (format !== "onnx") expect((await readModel(out(name))).state).toEqual(initialParameters(config, 5));
  });

  test("a .pt for --format openclip is still torch.save's form", async () => {
    const { result } = await checkpoints("export", run, "--format", "openclip", "--out", out("old.pt"));
    expect(result).toMatchObject({ format: "pt", files: [] });
  });

  test("weights of other programs are exported as well as a run's", async () => {
    await checkpoints("export", out("hf"), "--format", "pt", "--out", out("from-hf.pt"));
    expect((await readModel(out("from-hf.pt"))).state).toEqual(initialParameters(config, 5));
  });

  test("what is there already stays, and nothing half is left", async () => {
    await mkdir(out("taken"));
    await writeFile(join(out("taken"), "mine"), "");
    await expect(checkpoints("export", run, "--format", "hf", "--out", out("taken"))).rejects.toThrow(
      "there already",
    );
    expect(await readdir(out("taken"))).toEqual(["mine"]);
    function* failing() {
      yield Buffer.from("half");
      throw new UserError("disk", "the disk is gone");
    }
    await expect(newFolder(out("broken"), new Map([["a", failing()]]))).rejects.toThrow("the disk is gone");
    expect((await readdir(folder)).filter((name) => /broken|\.part-/.test(name))).toEqual([]);
  });
});

describe("import", () => {
  test("a file of weights becomes a checkpoint with its config beside it", async () => {
    const { result, warnings } = await checkpoints<{ configFile: string }>(
      "import",
      out("open-clip"),
      "--out",
      out("in.safetensors"),
    );
    expect(result).toMatchObject({
      configSource: "beside",
      layout: "open_clip",
      format: "safetensors",
      assumed: [],
    });
    expect(warnings).toBe("");
    expect(JSON.parse(await readFile(result.configFile, "utf8"))).toEqual(config);
    expect((await readModel(out("in.safetensors"))).state).toEqual(initialParameters(config, 5));
  });

  test("a folder becomes a run's folder; another model is not put among its checkpoints", async () => {
    const target = out("imported-run");
    await checkpoints("import", out("hf"), "--out", target, "--step", "9");
    expect(await readdir(join(target, "checkpoints"))).toEqual(["step-000009.safetensors"]);
    const other = parseModelConfig({ ...config, embed_dim: 16 });
    await writeFile(out("other.safetensors"), writeSafetensors(initialParameters(other, 0)));
    await expect(checkpoints("import", out("other.safetensors"), "--out", target)).rejects.toThrow(
      /tensors of the checkpoint don't fit/,
    );
    await writeFile(out("other.config.json"), JSON.stringify(other));
    const named = ["--model", out("other.config.json")];
    await expect(checkpoints("import", out("other.safetensors"), "--out", target, ...named)).rejects.toThrow(
      "describes another model",
    );
  });

  test("what was assumed of a bare state dict is said", async () => {
    await mkdir(out("bare"));
    const bare = join(out("bare"), "weights.bin");
    await writeFile(bare, writeSafetensors(initialParameters(config, 5)));
    const { result, warnings } = await checkpoints<{ assumed: string[] }>(
      "import",
      bare,
      "--out",
      out("bare.safetensors"),
    );
    expect(result.assumed).toEqual(["heads 64 wide", expect.stringContaining("GELU")]);
    expect(warnings).toContain("doesn't tell its whole model");
    const quick = await checkpoints<{ config: unknown }>(
      "import",
      bare,
      "--quick-gelu",
      "--out",
      out("quick.safetensors"),
    );
    expect(quick.result).toMatchObject({ config, assumed: ["heads 64 wide"] });
  });

  test("NaN is refused by the tensor's name, and taken with --allow-not-finite", async () => {
    const state = initialParameters(config, 5);
    state.set("logit_scale", { dtype: "F32", shape: [], data: Float32Array.of(NaN) });
    await mkdir(out("nan"));
    const path = join(out("nan"), "nan.safetensors");
    await writeFile(path, writeSafetensors(state, { model_cfg: JSON.stringify(config) }));
    await expect(checkpoints("import", path, "--out", out("nan.safetensors"))).rejects.toThrow(
      "`logit_scale` holds NaN",
    );
    await checkpoints("import", path, "--allow-not-finite", "--out", out("nan.safetensors"));
  });

  test("what is no model of CLIP's says what it looks like", async () => {
    await mkdir(out("strange"));
    const path = join(out("strange"), "vit.safetensors");
    const one = { dtype: "F32", shape: [1], data: new Float32Array(1) } as const;
    await writeFile(path, writeSafetensors(new Map([["blocks.0.attn.qkv.weight", one]])));
    await expect(checkpoints("import", path, "--out", out("strange.safetensors"))).rejects.toThrow(
      /looks like a vision transformer of timm/,
    );
    await writeFile(path, JSON.stringify({}));
    await expect(checkpoints("import", path, "--out", out("strange.safetensors"))).rejects.toThrow(/is JSON/);
  });
});

test("verify compares a folder of transformers with the config in it", async () => {
  const { result } = await checkpoints("verify", out("hf"));
  expect(result).toMatchObject({
    ok: true,
    checkpoints: [{ file: "model.safetensors", shapesChecked: true }],
  });
});

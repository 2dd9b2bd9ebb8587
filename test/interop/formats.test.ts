import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ExportFormat,
  describeModel,
  exportModel,
  initialParameters,
  loadModelConfig,
  type ModelConfig,
  readModel,
  readSafetensorsFile,
  type StateDict,
  writeSafetensors,
} from "@pairloom/clip";
import { type Engine, loadEngine } from "@pairloom/engine";
import { createTokenizer } from "@pairloom/tokenizer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { onnxFiles } from "../../packages/clip/dist/checkpoints/onnx/onnxFiles.js";
import { lastJson, pairloom } from "../road/pairloom.js";
import { embedWithOurs, expectOurs, nearness } from "./embedWithOurs.js";
import { differing, inputsOf, preprocessOf, shaken, writeModel, writePicture } from "./formatSamples.js";

const python = process.env.PAIRLOOM_PYTORCH ?? "python3";
const packages = ["open_clip_torch", "transformers", "onnx", "onnxruntime"];
const probe = spawnSync(python, [
  "-c",
  `import importlib.metadata as m; [m.version(name) for name in ${JSON.stringify(packages)}]`,
]);
const missing =
  probe.status === 0
    ? null
    : "needs Python with open_clip, transformers, onnx and onnxruntime (PAIRLOOM_PYTORCH names it; `bash test/interop/environment.sh pytorch` makes one)";
if (missing !== null) console.log(`checkpoints in other programs are skipped: ${missing}`);

function reference(...args: string[]): string {
  const script = fileURLToPath(new URL("formats_reference.py", import.meta.url));
  const run = spawnSync(python, [script, ...args], { encoding: "utf8", maxBuffer: 1e8 });
  if (run.status !== 0) throw new Error(run.stderr);
  return run.stdout.trim().split("\n").at(-1)!;
}

interface Job {
  form: ExportFormat;
  path: string;
  inputs: string;
  out: string;
  config?: unknown;
  picture?: string;
  texts?: string[];
}

const texts = [
  "a photo of a cat",
  "Two DOGS, one frisbee!",
  "it's 12:30 — naïve café no. 7",
  "  spaces\tand  Straße 漢字 🎈 don't ",
  "word ".repeat(90),
];

describe.skipIf(missing !== null)("checkpoints go to other programs and come from them", () => {
  let folder: string;
  let engine: Engine;
  let models: Record<string, unknown>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "formats-"));
    engine = await loadEngine("wasm");
    models = JSON.parse(reference("make", join(folder, "made"))) as Record<string, unknown>;
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  describe.each(["vit", "vit_quick", "resnet"])("what open_clip and PyTorch wrote of %s", (name) => {
    test.each([
      ["plain.safetensors", ""],
      ["training.pt", ""],
      ["program.pt", "half_"],
      ["script.pt", "half_"],
    ])("%s is read without its config and gives their embeddings", async (file, prefix) => {
      const made = join(folder, "made", name);
      // nothing in a state dict says which nonlinearity its model has
      const isProgram = prefix !== "";
      const quickGelu = name !== "vit";
      const read = await readModel(join(made, file), isProgram ? {} : { quickGelu });
      expect(read).toMatchObject({ configSource: "shapes", assumed: isProgram ? [] : ["heads 64 wide"] });
      expect(read.config).toMatchObject(models[name] as object);
      const expected = await readSafetensorsFile(join(made, "expected.safetensors"));
      const ours = await embedWithOurs(
        read.config,
        read.state,
        expected.get("images")!,
        expected.get("ids")!,
      );
      await expectOurs(join(made, "expected.safetensors"), ours, read.config, { prefix });
    });
  });

  test("`checkpoints import` needs no --model for OpenAI's form of archive, nor for a folder of transformers", async () => {
    for (const [path, source] of [
      [join("resnet", "program.pt"), "shapes"],
      ["hf_eos", "beside"],
    ] as const) {
      const made = join(folder, "made", path);
      const out = join(folder, "imported", `${path}.safetensors`);
      const ran = await pairloom(["checkpoints", "import", made, "--out", out, "--json"]);
      expect(ran.stderr).toBe("");
      const result = lastJson<{ configFile: string; configSource: string }>(ran);
      expect(result.configSource).toBe(source);
      const [back, direct] = [await readModel(out), await readModel(made)];
      expect(back).toMatchObject({ configSource: "file", config: direct.config });
      expect(differing(back.state, direct.state)).toEqual([]);
      expect(describeModel(await loadModelConfig(result.configFile))).toEqual(describeModel(direct.config));
    }
  });

  test.each(["hf_legacy", "hf_eos", "hf_pickle"])(
    "%s of transformers is read and gives its embeddings",
    async (name) => {
      const made = join(folder, "made", name);
      const parts = (await readdir(made)).filter((file) => file.endsWith(".safetensors"));
      expect(parts).toHaveLength({ hf_legacy: 6, hf_eos: 1, hf_pickle: 0 }[name]!);
      const { config, state } = await readModel(made);
      const expected = await readSafetensorsFile(`${made}.expected.safetensors`);
      const ours = await embedWithOurs(config, state, expected.get("images")!, expected.get("ids")!);
      await expectOurs(`${made}.expected.safetensors`, ours, config);
    },
  );

  describe("what we export", () => {
    const own = {
      vit: {
        embed_dim: 48,
        quick_gelu: false,
        vision_cfg: { image_size: 64, patch_size: 16, layers: 3, width: 128 },
        text_cfg: {
          context_length: 24,
          vocab_size: 49408,
          width: 64,
          heads: 2,
          layers: 2,
          norm_kwargs: { eps: 1e-6 },
        },
      },
      vit_mean: {
        embed_dim: 32,
        quick_gelu: false,
        init_logit_bias: -10,
        vision_cfg: {
          ...{ image_size: [48, 80], patch_size: 16, layers: 2, width: 64, head_width: 32, pool_type: "avg" },
          ...{ final_ln_after_pool: true, no_ln_pre: true, ls_init_value: 0.1 },
          act_kwargs: { approximate: "tanh" },
        },
        text_cfg: {
          ...{ context_length: 16, vocab_size: 400, width: 64, heads: 2, layers: 2, mlp_ratio: 2.5 },
          ...{ no_causal_mask: true, pool_type: "last", proj_bias: true },
        },
      },
      resnet: {
        embed_dim: 32,
        quick_gelu: true,
        vision_cfg: { image_size: 96, layers: [2, 1, 3, 1], width: 16 },
        text_cfg: { context_length: 16, vocab_size: 400, width: 64, heads: 1, layers: 1 },
      },
    };
    const forms: Record<string, ExportFormat[]> = {
      vit: ["openclip", "hf", "onnx", "safetensors", "pt"],
      vit_mean: ["openclip", "onnx"],
      resnet: ["openclip", "onnx", "safetensors", "pt"],
    };
    const cases = Object.entries(forms).flatMap(([name, all]) => all.map((form) => [name, form] as const));
    const jobOf = (name: string, form: ExportFormat): Job => {
      const ending = { pt: ".pt", safetensors: ".safetensors" }[form as string] ?? "";
      const work = join(folder, "own", name);
      return {
        form,
        path: join(work, `${form}${ending}`),
        inputs: join(work, "inputs.safetensors"),
        out: join(work, `${form}.result.safetensors`),
        ...(name === "vit" &&
          ["openclip", "hf"].includes(form) && { picture: join(folder, "picture.png"), texts }),
        ...(!name.endsWith("mean") && { config: own[name as keyof typeof own] }),
      };
    };
    const ours = new Map<
      string,
      { config: ModelConfig; state: StateDict; features: Awaited<ReturnType<typeof embedWithOurs>> }
    >();

    beforeAll(async () => {
      await writePicture(join(folder, "picture.png"));
      for (const [name, described] of Object.entries(own)) {
        const work = join(folder, "own", name);
        const run = join(work, "run");
        await mkdir(join(run, "checkpoints"), { recursive: true });
        await writeFile(join(run, "config.json"), JSON.stringify(described));
        const config = await loadModelConfig(join(run, "config.json"));
        const state = shaken(initialParameters(config, 3));
        await writeFile(join(run, "checkpoints", "step-000007.safetensors"), writeSafetensors(state));
        const inputs = inputsOf(config);
        await writeFile(join(work, "inputs.safetensors"), writeSafetensors(inputs));
        const features = await embedWithOurs(config, state, inputs.get("images")!, inputs.get("ids")!);
        ours.set(name, { config, state, features });
      }
      const jobs = cases.map(([name, form]) => jobOf(name, form));
      for (const [name, form] of cases) {
        const { path } = jobOf(name, form);
        const run = join(folder, "own", name, "run");
        if (name === "vit") {
          const ran = await pairloom([
            "checkpoints",
            "export",
            run,
            "--format",
            form,
            "--out",
            path,
            "--json",
          ]);
          expect(ran.code, ran.stderr).toBe(0);
          expect(lastJson<{ load: string[] }>(ran).load.join()).toContain(path);
        } else {
          const { config, state } = ours.get(name)!;
          await writeModel(path, exportModel(form, state, config));
        }
      }
      await writeFile(join(folder, "jobs.json"), JSON.stringify(jobs));
      reference("embed", join(folder, "jobs.json"));
    });

    test.each(cases)("%s as %s gives our embeddings from the same pixels and ids", async (name, form) => {
      const { config, features } = ours.get(name)!;
      await expectOurs(jobOf(name, form).out, features, config);
    });

    test.each(cases)("%s as %s is imported again, bit for bit, with its config", async (name, form) => {
      if (form === "onnx") return;
      const { config, state } = ours.get(name)!;
      const back = await readModel(jobOf(name, form).path);
      expect(differing(back.state, state)).toEqual([]);
      if (form !== "hf") expect(describeModel(back.config)).toEqual(describeModel(config));
    });

    test("onnxruntime takes batches of any size", async () => {
      for (const name of ["vit", "resnet"]) {
        const { config, features } = ours.get(name)!;
        const single = {
          image: features.image.subarray(0, config.embed_dim),
          text: features.text.subarray(0, config.embed_dim),
        };
        await expectOurs(jobOf(name, "onnx").out, single, config, { prefix: "single_" });
      }
    });

    test("from a picture and texts transformers and open_clip come to our embeddings by the folder alone", async () => {
      const { config, state } = ours.get("vit")!;
      const size = config.vision_cfg.image_size as number;
      const pixels = preprocessOf(await readFile(join(folder, "picture.png")), size);
      const length = config.text_cfg.context_length;
      const ids = createTokenizer().tokenize(texts, length);
      const features = await embedWithOurs(config, state, await pixels, {
        dtype: "I32",
        shape: [texts.length, length],
        data: ids,
      });
      await expectOurs(jobOf("vit", "openclip").out, features, config, { prefix: "raw_" });
      await expectOurs(jobOf("vit", "hf").out, features, config, { prefix: "raw_" });
      const theirs = await readSafetensorsFile(jobOf("vit", "hf").out);
      const same = nearness(
        (await pixels).data as Float32Array,
        theirs.get("pillow_pixels")!.data as Float32Array,
        size,
      );
      expect(same.difference).toBeLessThan(1e-5);
    });

    test("weights too long for one ONNX file lie beside it, and give our embeddings", async () => {
      const { config, state, features } = ours.get("resnet")!;
      const path = join(folder, "external");
      await writeModel(path, { kind: "folder", files: onnxFiles(state, config, 100_000) });
      expect(await readdir(path)).toEqual(expect.arrayContaining(["image.onnx.data", "text.onnx.data"]));
      const job = { ...jobOf("resnet", "onnx"), path, out: join(folder, "external.safetensors") };
      await writeFile(join(folder, "external.json"), JSON.stringify([job]));
      reference("embed", join(folder, "external.json"));
      await expectOurs(job.out, features, config);
    });

    test("a whole ViT-B/32 gives our embeddings in transformers and onnxruntime", async () => {
      const config = await loadModelConfig("ViT-B-32");
      const state = shaken(initialParameters(config, 3));
      const work = join(folder, "own", "whole");
      await mkdir(work);
      const inputs = inputsOf(config);
      await writeFile(join(work, "inputs.safetensors"), writeSafetensors(inputs));
      const jobs = (["hf", "onnx"] as const).map((form) => jobOf("whole", form));
      for (const { form, path } of jobs) await writeModel(path, exportModel(form, state, config));
      await writeFile(join(work, "jobs.json"), JSON.stringify(jobs));
      reference("embed", join(work, "jobs.json"));
      const features = await embedWithOurs(config, state, inputs.get("images")!, inputs.get("ids")!);
      for (const { out } of jobs) await expectOurs(out, features, config);
      await rm(work, { recursive: true });
    });

    test("a ResNet is refused for transformers, and nothing is written", async () => {
      const path = join(folder, "refused");
      const run = join(folder, "own", "resnet", "run");
      const ran = await pairloom(["checkpoints", "export", run, "--format", "hf", "--out", path, "--json"]);
      expect(ran.code).toBe(1);
      expect(ran.stderr).toMatch(/ResNet: transformers' CLIPModel has vision transformers only/);
      expect((await readdir(folder)).filter((name) => name.startsWith("refused"))).toEqual([]);
    });
  });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  CheckpointError,
  type HostTensor,
  initialParameters,
  parseModelConfig,
  pyTorchParts,
  readModel,
  type StateDict,
  writeSafetensors,
} from "../src/index.js";
import { toHuggingFaceTensors } from "../src/checkpoints/huggingFace/huggingFaceTensors.js";

const described = {
  embed_dim: 8,
  vision_cfg: { image_size: 16, patch_size: 8, width: 8, layers: 1, head_width: 8 },
  text_cfg: { context_length: 6, vocab_size: 30, width: 8, heads: 1, layers: 1 },
};
const config = parseModelConfig(described);
const state = initialParameters(config, 1);
const other = initialParameters(config, 2);
const folder = mkdtempSync(join(tmpdir(), "names-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const model = join(folder, "model.json");
writeFileSync(model, JSON.stringify(described));

type Tensors = ReadonlyMap<string, HostTensor>;
const behind = (prefix: string, tensors: Tensors = state): [string, HostTensor][] =>
  [...tensors].map(([name, tensor]) => [prefix + name, tensor]);
const one = { dtype: "F32", shape: [1], data: Float32Array.of(3) } as const;

/** The same tensors as safetensors and as torch.save's file. */
function written(tensors: Tensors): string[] {
  const [safe, pickle] = ["weights.safetensors", "weights.pt"].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  writeFileSync(safe, writeSafetensors(tensors));
  writeFileSync(pickle, Buffer.concat([...pyTorchParts(tensors)]));
  return [safe, pickle];
}

async function expectState(tensors: Tensors, expected: StateDict, note: RegExp | null, options = {}) {
  for (const path of written(tensors)) {
    const read = await readModel(path, { model, ...options });
    expect(read.state).toEqual(expected);
    if (note === null) expect(read.notes).toEqual([]);
    else expect(read.notes.join("; ")).toMatch(note);
  }
}

describe("a beginning that all of a model's names share is dropped, and told", () => {
  test.each([
    "module.",
    "_orig_mod.",
    "module._orig_mod.",
    "_orig_mod.module.",
    "model.",
    "clip.",
    "clip_model.",
    "state_dict.",
    "model_state_dict.module.",
    "state_dict.model._orig_mod.clip.",
    "_fsdp_wrapped_module.student.",
  ])("%s", (prefix) => expectState(new Map(behind(prefix)), state, /dropped|took/));

  test("of transformers' names as well", () =>
    expectState(new Map(behind("clip.model.", toHuggingFaceTensors(state))), state, /`clip\.model\.`/));

  test("wrappers within a tower", () => {
    const names = [...state].map(([name, tensor]): [string, HostTensor] => [
      name
        .replace("visual.", "visual._orig_mod.")
        .replace("resblocks.0.", "resblocks.0._checkpoint_wrapped_module."),
      tensor,
    ]);
    return expectState(new Map(names), state, /`_orig_mod\.`/);
  });

  test("names without one are as they are", () => expectState(state, state, null));
});

describe("what is beside a model", () => {
  test("a loss, an optimizer and counters are left out and named", () =>
    expectState(
      new Map([...state, ["loss.weight", one], ["optimizer.state.0.exp_avg", one], ["epoch", one]]),
      state,
      /`loss` \(1\), `optimizer` \(1\), `epoch` \(1\)/,
    ));

  test("masks, places and counters inside of it are no weights", () =>
    expectState(
      new Map([
        ...state,
        ["visual.bn.num_batches_tracked", one],
        ["transformer.attn_mask", one],
        ["text.position_ids", one],
      ]),
      state,
      null,
    ));

  test("a tensor inside that the model has no place for is refused by its name", async () => {
    for (const path of written(new Map([...behind("model."), ["model.visual.extra", one]])))
      await expect(readModel(path, { model })).rejects.toThrow("`visual.extra`");
  });

  test("an average of the weights is taken where it is asked for, or alone", async () => {
    const both = new Map([...behind("state_dict."), ...behind("state_dict_ema.", other)]);
    await expectState(both, state, /`state_dict\.`/);
    await expectState(both, other, /`state_dict_ema\.`/, { weights: "state_dict_ema" });
    await expectState(new Map(behind("ema_model.", other)), other, /`ema_model\.`/);
  });

  test("two models of which neither is an average are refused until one is chosen", async () => {
    const both = new Map([...behind("student."), ...behind("teacher.", other)]);
    for (const path of written(both)) {
      const error = await readModel(path, { model }).catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error).toMatchObject({ code: "checkpoint_several_models" });
      expect(String(error)).toMatch(/`student\.`, `teacher\.`/);
      await expect(readModel(path, { model, weights: "nobody" })).rejects.toThrow("there are `student.`");
    }
    await expectState(both, other, /`teacher\.`/, { weights: "teacher" });
  });
});

describe("mended", () => {
  const scalar = (value: number): HostTensor => ({ dtype: "F32", shape: [], data: Float32Array.of(value) });
  const listed = (value: number): HostTensor => ({ dtype: "F32", shape: [1], data: Float32Array.of(value) });

  test("a scalar may be a list of one", () =>
    expectState(
      new Map([...state, ["logit_scale", listed(2)]]),
      new Map(state).set("logit_scale", scalar(2)),
      null,
    ));

  test("a missing scale and bias take open_clip's values where that is asked for", async () => {
    const biased = join(folder, "biased.json");
    writeFileSync(biased, JSON.stringify({ ...described, init_logit_bias: -10 }));
    const lacking = new Map([...state].filter(([name]) => name !== "logit_scale"));
    for (const path of written(lacking)) {
      await expect(readModel(path, { model: biased })).rejects.toThrow(/lacks the tensor `logit_scale`/);
      const { state: filled, notes } = await readModel(path, { model: biased, fillMissing: true });
      expect(filled.get("logit_bias")).toEqual(scalar(0));
      expect((filled.get("logit_scale")!.data as Float32Array)[0]).toBeCloseTo(Math.log(1 / 0.07), 6);
      expect(notes.join()).toMatch(/`logit_scale` is 2\.65.*`logit_bias` is 0/);
    }
  });

  test("another image size and context length are resized where that is asked for", async () => {
    const larger = join(folder, "larger.json");
    const vision_cfg = { ...described.vision_cfg, image_size: 32 };
    writeFileSync(
      larger,
      JSON.stringify({ ...described, vision_cfg, text_cfg: { ...described.text_cfg, context_length: 9 } }),
    );
    for (const path of written(state)) {
      const misfit: unknown = await readModel(path, { model: larger }).catch((error: unknown) => error);
      expect(misfit).toMatchObject({ hint: expect.stringContaining("--resize-positions") as string });
      expect(String(misfit)).toContain("`visual.positional_embedding`");
      const read = await readModel(path, { model: larger, resizePositions: true });
      expect(read.state.get("visual.positional_embedding")!.shape).toEqual([17, 8]);
      expect(read.state.get("positional_embedding")!.shape).toEqual([9, 8]);
      expect(read.notes).toHaveLength(2);
    }
  });
});

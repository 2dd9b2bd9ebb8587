import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import {
  checkStateDict,
  initialParameters,
  parseModelConfig,
  readSafetensors,
  readSafetensorsFile,
  readSafetensorsHeader,
  writeSafetensors,
  type CheckpointError,
  type HostTensor,
  type TensorFile,
} from "../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "pairloom-safetensors-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A safetensors file from a header and so many bytes of data. */
function craft(header: unknown, dataBytes: number, claim?: bigint): Uint8Array {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(claim ?? BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataBytes)]);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return (error as CheckpointError).code;
  }
  return "no error";
}

describe("writing and reading", () => {
  const tensors: TensorFile = new Map<string, HostTensor>([
    ["half", { dtype: "F16", shape: [3], data: Float32Array.of(1, -0.5, 65504) }],
    ["brain", { dtype: "BF16", shape: [1, 2], data: Float32Array.of(1.5, -3e38) }],
    ["float", { dtype: "F32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
    ["count", { dtype: "I64", shape: [], data: BigInt64Array.of(-7n) }],
    ["ids", { dtype: "I32", shape: [2], data: Int32Array.of(49406, -1) }],
    ["none", { dtype: "F32", shape: [0, 4], data: new Float32Array(0) }],
    ["flag", { dtype: "BOOL", shape: [1], data: Uint8Array.of(1) }],
  ]);

  test("gives back names, types, shapes and values", async () => {
    const bytes = writeSafetensors(tensors, { format: "pt" });
    const back = readSafetensors(bytes);
    expect(back.size).toBe(tensors.size);
    for (const [name, tensor] of tensors) {
      const { dtype, shape, data } = back.get(name)!;
      expect([dtype, shape]).toEqual([tensor.dtype, tensor.shape]);
      if (name !== "brain") expect(data).toEqual(tensor.data);
    }
    const path = join(folder, "all.safetensors");
    writeFileSync(path, bytes);
    expect(await readSafetensorsFile(path)).toEqual(back);
    expect([...(await readSafetensorsFile(path, new Set(["ids", "absent"]))).keys()]).toEqual(["ids"]);
    expect((await readSafetensorsHeader(path)).metadata.get("format")).toBe("pt");
  });

  test("half precision survives a round trip bit for bit, and rounds to even", () => {
    const halves = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
    for (const dtype of ["F16", "BF16"] as const) {
      const raw = craft({ x: { dtype, shape: [65536], data_offsets: [0, 131072] } }, 131072);
      new Uint8Array(raw.buffer, raw.byteOffset).set(new Uint8Array(halves.buffer), raw.length - 131072);
      const file = readSafetensors(raw);
      const values = file.get("x")!.data as Float32Array;
      const again = readSafetensors(writeSafetensors(file)).get("x")!.data as Float32Array;
      const wrong = [...values.keys()].filter(
        (i) => !Object.is(again[i], values[i]) && !Number.isNaN(values[i]),
      );
      expect(wrong).toEqual([]);
    }
    const ties = new Map([
      ["x", { dtype: "F16" as const, shape: [3], data: Float32Array.of(2049, 2051, 1e-8) }],
    ]);
    expect(readSafetensors(writeSafetensors(ties)).get("x")!.data).toEqual(Float32Array.of(2048, 2052, 0));
  });
});

describe("a broken file is named and refused", () => {
  const one = (dtype: string, shape: unknown, offsets: unknown) => ({
    a: { dtype, shape, data_offsets: offsets },
  });
  test.each([
    ["checkpoint_header_too_large", craft("{}", 0, 2n ** 60n)],
    ["checkpoint_truncated", craft("{}", 0, 500n)],
    ["checkpoint_truncated", new Uint8Array(3)],
    ["checkpoint_truncated", craft(one("F32", [4], [0, 16]), 15)],
    ["checkpoint_header_invalid", craft("{,", 0)],
    ["checkpoint_header_invalid", craft("[1]", 0)],
    [
      "checkpoint_header_invalid",
      craft(
        `{"a":${JSON.stringify(one("F32", [1], [0, 4]).a)},"\\u0061":${JSON.stringify(one("F32", [1], [0, 4]).a)}}`,
        4,
      ),
    ],
    [
      "checkpoint_header_invalid",
      craft('{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}', 4),
    ],
    ["checkpoint_header_invalid", craft("[".repeat(1_000_000), 0)],
    ["checkpoint_dtype_unknown", craft(one("F7", [1], [0, 4]), 4)],
    ["checkpoint_tensor_range", craft(one("F32", [2], [0, 4]), 4)],
    ["checkpoint_tensor_range", craft(one("F32", [-1], [0, 4]), 4)],
    ["checkpoint_tensor_range", craft(one("F32", [2 ** 40, 2 ** 40], [0, 4]), 4)],
    ["checkpoint_tensor_range", craft(one("F32", [1], [0, 4]), 8)],
    ["checkpoint_tensor_range", craft(one("F32", [1], [4, 8]), 8)],
    [
      "checkpoint_tensor_overlap",
      craft({ ...one("F32", [2], [0, 8]), b: { dtype: "F32", shape: [1], data_offsets: [4, 8] } }, 8),
    ],
  ])("%s", (code, bytes) => {
    expect(codeOf(() => readSafetensors(bytes))).toBe(code);
  });

  test("no damaged header makes anything but a CheckpointError", () => {
    const good = writeSafetensors(
      new Map([["a", { dtype: "F32" as const, shape: [2], data: Float32Array.of(1, 2) }]]),
    );
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), (place, byte) => {
        const damaged = Uint8Array.from(good);
        damaged[place] = byte;
        expect(codeOf(() => readSafetensors(damaged))).toMatch(/^checkpoint_|no error/);
      }),
      { numRuns: 500 },
    );
  });

  test("a file that is cut off on disk is refused before its tensors are read", async () => {
    const path = join(folder, "cut.safetensors");
    const data = new Float32Array(1000);
    writeFileSync(path, writeSafetensors(new Map([["a", { dtype: "F32", shape: [1000], data }]])));
    truncateSync(path, 2000);
    await expect(readSafetensorsFile(path)).rejects.toThrow("cut off");
  });
});

describe("a checkpoint that is not the model's is named and refused", () => {
  const config = parseModelConfig({
    embed_dim: 8,
    vision_cfg: { image_size: 32, width: 2, layers: [1, 1, 1, 1], head_width: 16 },
    text_cfg: { context_length: 4, vocab_size: 10, width: 8, heads: 2, layers: 1 },
  });
  const changed = (change: (tensors: TensorFile) => void) => {
    const tensors: TensorFile = new Map(initialParameters(config, 0));
    change(tensors);
    return () => checkStateDict(tensors, config);
  };
  const key = "text_projection";
  const floats = (shape: number[], value = 0): HostTensor => ({
    dtype: "F32",
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(value),
  });

  test.each([
    ["checkpoint_tensor_missing", changed((t) => t.delete(key))],
    ["checkpoint_tensor_extra", changed((t) => t.set("extra", floats([1])))],
    ["checkpoint_tensor_shape", changed((t) => t.set(key, floats([8, 9])))],
    ["checkpoint_not_finite", changed((t) => t.set(key, floats([8, 8], NaN)))],
    [
      "checkpoint_tensor_dtype",
      changed((t) => t.set(key, { dtype: "I32", shape: [8, 8], data: new Int32Array(64) })),
    ],
  ])("%s", (code, run) => {
    expect(codeOf(run)).toBe(code);
    expect(run).toThrow(code === "checkpoint_tensor_extra" ? "extra" : key);
  });

  test("all that doesn't fit is listed, twenty at most, and how many more there are", () => {
    const run = changed((t) => {
      t.delete("ln_final.weight");
      t.set("stranger", floats([1]));
      t.set(key, floats([2, 2]));
      t.set("ln_final.bias", floats([8], Infinity));
    });
    expect(codeOf(run)).toBe("checkpoint_tensor_shape");
    for (const named of [/^4 tensors/, /`ln_final\.weight`/, /`stranger`/, /\[2, 2\]/, /holds Infinity/])
      expect(run).toThrow(named);
    const many = changed((t) => t.forEach((_, name) => name.startsWith("visual.layer") && t.delete(name)));
    expect(many).toThrow(/… and \d+ more$/);
  });

  test("another program's model is said to look like it", () => {
    const timm = new Map([["blocks.0.attn.qkv.weight", floats([1])]]);
    try {
      checkStateDict(timm, config);
      expect.unreachable();
    } catch (error) {
      expect((error as CheckpointError).hint).toMatch(/vision transformer of timm/);
    }
  });

  test("weights that are no numbers are taken where that is asked for", () => {
    const tensors = new Map(initialParameters(config, 0)).set(key, floats([8, 8], NaN));
    expect(checkStateDict(tensors, config, { allowNotFinite: true }).get(key)!.data[0]).toBeNaN();
  });

  test("counters that an older PyTorch didn't write count from zero", () => {
    const state = changed((t) => t.delete("visual.bn1.num_batches_tracked"))();
    expect(state.get("visual.bn1.num_batches_tracked")!.data).toEqual(BigInt64Array.of(0n));
  });

  test("int32 counters and half precision are taken", () => {
    const state = changed((t) => {
      t.set("visual.bn1.num_batches_tracked", { dtype: "I32", shape: [], data: Int32Array.of(3) });
      t.set(key, { ...floats([8, 8], 0.5), dtype: "F16" });
    })();
    expect(state.get("visual.bn1.num_batches_tracked")!.data).toEqual(BigInt64Array.of(3n));
    expect(state.get(key)!.dtype).toBe("F32");
  });
});

import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { exportModel, initialParameters, parseModelConfig } from "../src/index.js";
import { onnxFiles } from "../src/checkpoints/onnx/onnxFiles.js";

const config = parseModelConfig({
  embed_dim: 8,
  vision_cfg: { image_size: 32, width: 2, layers: [1, 1, 1, 1], head_width: 16 },
  text_cfg: { context_length: 4, vocab_size: 10, width: 8, heads: 2, layers: 1 },
});
const state = initialParameters(config, 0);

/** The fields of a protocol buffers message: numbers of varints, bytes of the rest. */
function fieldsOf(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const reader = protobuf.Reader.create(bytes);
  const fields = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const value = (tag & 7) === 0 ? Number(reader.int64()) : reader.bytes();
    fields.set(tag >>> 3, [...(fields.get(tag >>> 3) ?? []), value]);
  }
  return fields;
}
const texts = (values: (number | Uint8Array)[] | undefined) =>
  (values ?? []).map((value) => Buffer.from(value as Uint8Array).toString());
const whole = (parts: Iterable<Uint8Array>) => Buffer.concat([...parts]);
const graphOf = (model: Uint8Array) => fieldsOf(fieldsOf(model).get(7)![0] as Uint8Array);
const tensorsOf = (model: Uint8Array) =>
  graphOf(model)
    .get(5)!
    .map((bytes) => fieldsOf(bytes as Uint8Array));

describe("the two towers as ONNX", () => {
  const files = onnxFiles(state, config);

  test("are of version 8 and opset 17, and hold each weight once", () => {
    const held: string[] = [];
    for (const tower of ["image", "text"]) {
      const model = whole(files.get(`${tower}.onnx`)!);
      const fields = fieldsOf(model);
      expect(fields.get(1)).toEqual([8]);
      expect(fieldsOf(fields.get(8)![0] as Uint8Array).get(2)).toEqual([17]);
      held.push(...tensorsOf(model).map((tensor) => texts(tensor.get(8))[0]!));
    }
    const weights = held.filter((name) => state.has(name));
    const expected = [...state.keys()].filter(
      (key) => key !== "logit_scale" && !key.endsWith("num_batches_tracked"),
    );
    expect(weights.sort()).toEqual(expected.sort());
  });

  test("a linear layer's weight is turned, a convolution's is not", () => {
    const model = whole(onnxFiles(state, config).get("text.onnx")!);
    const tensor = tensorsOf(model).find(
      (one) => texts(one.get(8))[0] === "transformer.resblocks.0.mlp.c_fc.weight",
    )!;
    expect(tensor.get(1)).toEqual([8, 32]);
    const raw = tensor.get(9)![0] as Uint8Array;
    const values = new Float32Array(Uint8Array.from(raw).buffer);
    const ours = state.get("transformer.resblocks.0.mlp.c_fc.weight")!.data as Float32Array;
    expect([values[0], values[1]]).toEqual([ours[0], ours[8]]);
  });

  test("what is too long for one file lies in a second, at places that can be mapped", () => {
    const split = onnxFiles(state, config, 1000);
    const data = whole(split.get("image.onnx.data")!);
    const tensors = tensorsOf(whole(split.get("image.onnx")!));
    const outside = tensors.filter((tensor) => tensor.has(14));
    const inside = tensors.filter((tensor) => !tensor.has(14));
    expect(inside.every((tensor) => (tensor.get(9)![0] as Uint8Array).length < 1024)).toBe(true);
    expect(outside.length).toBeGreaterThan(3);
    let compared = 0;
    for (const tensor of outside) {
      const place = Object.fromEntries(
        tensor.get(13)!.map((entry) => {
          const pair = fieldsOf(entry as Uint8Array);
          return [texts(pair.get(1))[0]!, texts(pair.get(2))[0]!];
        }),
      );
      expect(place["location"]).toBe("image.onnx.data");
      const [offset, length] = [Number(place["offset"]), Number(place["length"])];
      expect(offset % 4096).toBe(0);
      expect(offset + length).toBeLessThanOrEqual(data.length);
      const name = texts(tensor.get(8))[0]!;
      if (name !== "visual.layer4.0.conv2.weight") continue;
      compared++;
      expect(new Float32Array(Uint8Array.from(data.subarray(offset, offset + length)).buffer)).toEqual(
        state.get(name)!.data,
      );
    }
    expect(compared).toBe(1);
  });

  test("a model with a part that isn't exported is refused by the part's name", () => {
    const extended = new Map(state).set("visual.attn_pool.query", {
      dtype: "F32",
      shape: [1],
      data: new Float32Array(1),
    });
    expect(() => exportModel("onnx", extended, config)).toThrow(
      /no part for the tensor `visual\.attn_pool\.query`/,
    );
  });
});

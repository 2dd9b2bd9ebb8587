import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { CheckpointError, readModel, readPyTorch, readSafetensors } from "../src/index.js";
import { archiveOf, op, tensorPickle } from "./pickleOf.js";

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/pytorch/${name}`, import.meta.url));
const program = (pickle: Uint8Array, more: Record<string, string> = {}) =>
  archiveOf(pickle, 16, { "archive/constants.pkl": "", "archive/code/__torch__.py": "import os", ...more });

const newObject = Buffer.from([0x81]);
const object = (module: string, name: string, ...attributes: Buffer[]) =>
  Buffer.concat([
    op.global(module, name),
    op.emptyTuple,
    newObject,
    op.emptyDict,
    op.mark,
    ...attributes,
    Buffer.from("u"),
    op.build,
  ]);
const tensor = tensorPickle({ claimed: 4, shape: [2, 2], strides: [2, 1] });
const whole = (...parts: Buffer[]) => Buffer.concat([op.proto, ...parts, op.stop]);

async function refusal(archive: Uint8Array): Promise<{ code: string; message: string }> {
  const error = await readPyTorch(archive).then(
    () => new CheckpointError("checkpoint_format_unknown", "none"),
    (error: unknown) => error,
  );
  if (!(error instanceof CheckpointError)) throw error;
  return error;
}

test("a program of PyTorch's gives the weights that its model had, and its config by their shapes", async () => {
  const { config, state, format, configSource, assumed } = await readModel(fixture("program.pt"));
  expect({ format, configSource, assumed }).toEqual({
    format: "torchscript",
    configSource: "shapes",
    assumed: [],
  });
  expect(config).toMatchObject({
    embed_dim: 8,
    quick_gelu: true,
    vision_cfg: { image_size: 32, layers: [1, 1, 1, 1], width: 2 },
    text_cfg: { context_length: 6, vocab_size: 30, width: 64, heads: 1, layers: 1 },
  });
  const expected = readSafetensors(readFileSync(fixture("program.safetensors")));
  expect([...state.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [key, { shape, data }] of expected) {
    expect(state.get(key)).toEqual({ dtype: data instanceof BigInt64Array ? "I64" : "F32", shape, data });
  }
});

test("tensors are named by the attributes that lead to them; what is none is passed over", async () => {
  const inner = object(
    "__torch__.a.___torch_mangle_3",
    "Linear",
    op.text("weight"),
    tensor,
    op.text("bias"),
    op.none,
  );
  const sizes = [
    op.global("torch.jit._pickle", "build_intlist"),
    op.emptyList,
    Buffer.from([0x85]),
    op.reduce,
  ];
  const root = object(
    "__torch__.b",
    "CLIP",
    op.text("training"),
    op.newFalse,
    op.text("fc"),
    inner,
    op.text("sizes"),
    ...sizes,
  );
  expect([...(await readPyTorch(program(whole(root)))).keys()]).toEqual(["fc.weight"]);
});

describe("a program may do no more than a state dict", () => {
  const call = (module: string, name: string) => [
    op.global(module, name),
    op.mark,
    op.text("echo pwned"),
    op.tuple,
    op.reduce,
  ];
  test.each([
    ["os.system", whole(object("__torch__", "M", op.text("x"), ...call("os", "system"))), /"os\.system"/],
    ["an object of Python's", whole(object("subprocess", "Popen")), /"subprocess\.Popen"/],
    ["a module whose name only begins alike", whole(object("__torch__evil", "M")), /"__torch__evil\.M"/],
    ["a call of a class of its own", whole(...call("__torch__", "M")), /a call of a type/],
    [
      "another function of its pickles",
      whole(...call("torch.jit._pickle", "restore")),
      /"torch\.jit\._pickle\.restore"/,
    ],
    [
      "arguments for a new object",
      whole(op.global("__torch__", "M"), op.mark, op.none, op.tuple, newObject),
      /new object/,
    ],
  ])("%s is refused", async (_, pickle, expected) => {
    const { code, message } = await refusal(program(pickle));
    expect(code).toBe("pytorch_pickle_refused");
    expect(message).toMatch(expected);
  });

  test("the objects of a program are refused where there is no program", async () => {
    expect(await refusal(archiveOf(whole(object("__torch__", "M", op.text("w"), tensor))))).toMatchObject({
      code: "pytorch_pickle_refused",
    });
  });

  test("modules that hold one another without end are refused, quickly", async () => {
    // each holds the one before twice: 2^40 ways to the first
    const parts = [object("__torch__", "M0", op.text("w"), tensor)];
    for (let level = 1; level <= 40; level++) {
      const put = Buffer.from([0x71, level]);
      const get = Buffer.from([0x68, level]);
      const shell = object("__torch__", `M${level}`, op.text("a"), get, op.text("b"), get);
      parts.push(put, Buffer.from("0"), shell);
    }
    // POP is not on the list, so the shells are kept on a list instead
    const chain = parts.filter((part) => !(part.length === 1 && part.equals(Buffer.from("0"))));
    const started = performance.now();
    const pickle = whole(op.emptyList, op.mark, ...chain, Buffer.from("e"));
    expect((await refusal(program(pickle))).code).toBe("pytorch_not_state_dict");
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

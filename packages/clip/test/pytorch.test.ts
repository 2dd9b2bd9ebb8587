import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import {
  CheckpointError,
  pyTorchParts,
  readCheckpointFile,
  readPyTorch,
  readSafetensors,
  type HostTensor,
} from "../src/index.js";
import { crc32Of } from "../src/checkpoints/pytorch/crc32Of.js";
import { archiveOf, dictOf, op, tensorPickle } from "./pickleOf.js";

const fixture = (name: string) => new URL(`fixtures/pytorch/${name}`, import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "pairloom-pytorch-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function refusal(bytes: Uint8Array): Promise<{ code: string; message: string }> {
  try {
    await readPyTorch(bytes);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return { code: error.code, message: error.message };
  }
  return { code: "no error", message: "" };
}

describe("what torch.save wrote", () => {
  test.each(["mixed", "trainer"])(
    "%s.pt holds the same tensors as its safetensors, bit for bit",
    async (name) => {
      const tensors = await readPyTorch(readFileSync(fixture(`${name}.pt`)));
      const expected = readSafetensors(readFileSync(fixture(`${name}.safetensors`)));
      expect([...tensors.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [key, tensor] of expected) expect(tensors.get(key), key).toEqual(tensor);
    },
  );

  test("a file's format is seen by its content, not its name", async () => {
    const path = join(folder, "model.bin");
    writeFileSync(path, readFileSync(fixture("mixed.pt")));
    expect((await readCheckpointFile(path)).size).toBe(19);
    writeFileSync(path, readFileSync(fixture("mixed.safetensors")));
    expect((await readCheckpointFile(path)).size).toBe(19);
  });

  test("a text file and a bare pickle of old are named as what they are", async () => {
    const path = join(folder, "strange");
    writeFileSync(path, "neither of them");
    await expect(readCheckpointFile(path)).rejects.toThrow(/neither safetensors nor/);
    writeFileSync(path, Buffer.from("80028a0a6cfc9c46f9206aa85019", "hex"));
    await expect(readCheckpointFile(path)).rejects.toThrow(/before version 1\.6/);
    writeFileSync(path, "");
    await expect(readCheckpointFile(path)).rejects.toThrow(/neither safetensors nor/);
  });
});

test("what is written is read back, bit for bit, whatever the shapes and values", async () => {
  const tensor = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }).chain((shape) =>
    fc
      .array(fc.float(), {
        minLength: shape.reduce((a, b) => a * b, 1),
        maxLength: shape.reduce((a, b) => a * b, 1),
      })
      .map((values): HostTensor => ({ dtype: "F32", shape, data: Float32Array.from(values) })),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.string({ minLength: 1 }), tensor), { minLength: 1, maxLength: 5 }),
      async (items) => {
        const tensors = new Map(items.map(([name, value]) => [`w.${name}`, value]));
        expect(await readPyTorch(Buffer.concat([...pyTorchParts(tensors)]))).toEqual(tensors);
      },
    ),
    { numRuns: 200 },
  );
});

describe("what a file may not do", () => {
  const call = (module: string, name: string) =>
    dictOf(op.global(module, name), op.mark, op.text("echo pwned"), op.tuple, op.reduce);

  test.each([
    ["os.system by REDUCE", call("os", "system")],
    ["posix.system", call("posix", "system")],
    ["builtins.eval by STACK_GLOBAL", dictOf(op.text("builtins"), op.text("eval"), op.stackGlobal)],
    ["a torch function that is not on the list", call("torch", "load")],
    ["a name with a path in it", call("torch", "FloatStorage.__class__")],
    ["a name that every object has", call("torch", "constructor")],
    ["INST, which calls", dictOf(Buffer.from("(ios\nsystem\n"))],
    ["OBJ, which calls", dictOf(op.mark, op.emptyDict, Buffer.from("o"))],
    [
      "NEWOBJ, which calls",
      dictOf(op.global("collections", "OrderedDict"), op.emptyTuple, Buffer.from([0x81])),
    ],
    ["an extension's code", dictOf(Buffer.from([0x82, 1]))],
    ["a persistent id in text", dictOf(Buffer.from("Pstorage\n"))],
    ["a persistent id that is no storage", dictOf(op.mark, op.text("file"), op.tuple, op.persId)],
    [
      "attributes set on a tensor",
      dictOf(tensorPickle({ claimed: 4, shape: [4], strides: [1] }), op.emptyDict, op.build),
    ],
    [
      "a call of a tensor",
      dictOf(tensorPickle({ claimed: 4, shape: [4], strides: [1] }), op.emptyTuple, op.reduce),
    ],
    ["a call of a storage type", dictOf(op.global("torch", "FloatStorage"), op.emptyTuple, op.reduce)],
    [
      "an OrderedDict from an argument",
      dictOf(op.global("collections", "OrderedDict"), op.mark, op.emptyList, op.tuple, op.reduce),
    ],
    ["argparse's Namespace", call("argparse", "Namespace")],
    ["a buffer from outside", dictOf(Buffer.from([0x97]))],
  ])("%s is refused and named", async (_, pickle) => {
    const { code, message } = await refusal(archiveOf(pickle));
    expect(code).toBe("pytorch_pickle_refused");
    expect(message).toMatch(/holds (the opcode 0x|the Python object "|a |an |attributes )/);
  });

  test("the refusal names the object", async () => {
    expect((await refusal(archiveOf(call("os", "system")))).message).toContain('"os.system"');
  });

  test.each([
    ["a string of 2^60 bytes", dictOf(Buffer.from("8d0000000000000010", "hex")), "pytorch_pickle_invalid"],
    ["a string of 4 GB", dictOf(Buffer.from("58ffffffff", "hex")), "pytorch_pickle_invalid"],
    ["a whole number of 255 bytes", dictOf(Buffer.from("8aff", "hex")), "pytorch_pickle_invalid"],
    [
      "a storage of 2^60 elements",
      dictOf(tensorPickle({ claimed: 2n ** 60n, shape: [4], strides: [1] })),
      "pytorch_pickle_refused",
    ],
    [
      "a storage longer than the file's",
      dictOf(tensorPickle({ claimed: 2 ** 40, shape: [4], strides: [1] })),
      "pytorch_storage_invalid",
    ],
    [
      "a tensor of 2^60 elements",
      dictOf(tensorPickle({ claimed: 4, shape: [2n ** 60n], strides: [1] })),
      "pytorch_pickle_invalid",
    ],
    [
      "a tensor beyond its storage",
      dictOf(tensorPickle({ claimed: 4, shape: [5], strides: [1] })),
      "pytorch_storage_invalid",
    ],
    [
      "an offset beyond its storage",
      dictOf(tensorPickle({ claimed: 4, offset: 2 ** 50, shape: [1], strides: [1] })),
      "pytorch_storage_invalid",
    ],
    [
      "a huge stride",
      dictOf(tensorPickle({ claimed: 4, shape: [2, 2], strides: [2 ** 52, 2 ** 52] })),
      "pytorch_storage_invalid",
    ],
    [
      "a negative stride",
      dictOf(tensorPickle({ claimed: 4, offset: 3, shape: [4], strides: [-1] })),
      "pytorch_pickle_invalid",
    ],
    [
      "one element repeated 2^40 times",
      dictOf(tensorPickle({ claimed: 4, shape: [2 ** 40], strides: [0] })),
      "pytorch_storage_invalid",
    ],
    [
      "sizes whose product overflows",
      dictOf(tensorPickle({ claimed: 4, shape: Array(40).fill(2 ** 50), strides: Array(40).fill(0) })),
      "pytorch_storage_invalid",
    ],
    [
      "sizes and strides of two ranks",
      dictOf(tensorPickle({ claimed: 4, shape: [4], strides: [] })),
      "pytorch_pickle_invalid",
    ],
    [
      "a storage that is not in the file",
      dictOf(tensorPickle({ key: "../../etc/passwd", claimed: 4, shape: [4], strides: [1] })),
      "pytorch_storage_invalid",
    ],
    ["no tensor at all", Buffer.concat([op.proto, op.emptyDict, op.stop]), "pytorch_not_state_dict"],
    ["a number for a state dict", Buffer.concat([op.proto, op.int(1), op.stop]), "pytorch_not_state_dict"],
    ["an entry that is no tensor", dictOf(op.int(1)), "pytorch_not_state_dict"],
    ["a mark where a value belongs", dictOf(op.mark), "pytorch_pickle_invalid"],
    ["an empty stack", Buffer.concat([op.proto, op.stop]), "pytorch_pickle_invalid"],
    ["what was never remembered", dictOf(Buffer.from("h\x07")), "pytorch_pickle_invalid"],
    ["no end", Buffer.concat([op.proto, op.emptyDict]), "pytorch_pickle_invalid"],
    ["nothing", Buffer.alloc(0), "pytorch_pickle_invalid"],
  ])("%s is refused", async (_, pickle, expected) => {
    expect((await refusal(archiveOf(pickle))).code).toBe(expected);
  });

  test("bombs are refused in bounded memory and time: marks, nested tuples, memos, one storage seen a million times", async () => {
    const tensor = tensorPickle({ claimed: 4096, shape: [4096], strides: [1] });
    const put = Buffer.from([0x71, 0]);
    const get = Buffer.from([0x68, 0]);
    const many = [op.proto, op.emptyDict, op.text("w"), tensor, put, op.setItem];
    for (let i = 0; i < 100_000; i++) many.push(op.text(String(i)), get, op.setItem);
    const bombs: [Buffer, string][] = [
      [Buffer.alloc(20_000_000, "("), "pytorch_pickle_invalid"],
      [Buffer.concat([op.emptyTuple, Buffer.alloc(900_000, 0x85), op.stop]), "pytorch_not_state_dict"],
      [Buffer.alloc(20_000_000, "}"), "pytorch_pickle_invalid"],
      [
        Buffer.concat([op.emptyDict, Buffer.alloc(5_000_000, Buffer.from("72ffffffff", "hex")), op.stop]),
        "pytorch_pickle_invalid",
      ],
      // each list holds the one before ten times: 10^100 leaves for whoever walks it
      [
        Buffer.concat([
          op.emptyList,
          ...Array.from({ length: 100 }, (_, i) =>
            Buffer.concat([
              Buffer.from([0x71, i]),
              op.emptyList,
              op.mark,
              Buffer.alloc(20, Buffer.from([0x68, i])),
              Buffer.from("e"),
            ]),
          ),
          Buffer.alloc(100, 0x86),
          op.stop,
        ]),
        "pytorch_not_state_dict",
      ],
      [Buffer.concat([...many, op.stop]), "checkpoint_too_large"],
    ];
    for (const [pickle, expected] of bombs) {
      const archive = archiveOf(pickle, 16384);
      const before = process.memoryUsage();
      const started = performance.now();
      expect((await refusal(archive)).code).toBe(expected);
      const after = process.memoryUsage();
      expect(performance.now() - started).toBeLessThan(5000);
      expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(400e6);
    }
  });
});

describe("what an archive may not be", () => {
  const sound = archiveOf(dictOf(tensorPickle({ claimed: 4, shape: [4], strides: [1] })));
  const directoryAt = (archive: Buffer) => archive.readUInt32LE(archive.length - 6);
  /** The archive with a number of the directory's n-th entry changed. */
  const patched = (n: number, at: number, value: number, bytes: 2 | 4 = 4): Buffer => {
    const archive = Buffer.from(sound);
    let entry = directoryAt(archive);
    for (let i = 0; i < n; i++) {
      entry +=
        46 +
        archive.readUInt16LE(entry + 28) +
        archive.readUInt16LE(entry + 30) +
        archive.readUInt16LE(entry + 32);
    }
    archive.writeUIntLE(value, entry + at, bytes);
    return archive;
  };

  test("lengths and positions in 64 bits are read as those in 32", async () => {
    const pickle = dictOf(tensorPickle({ claimed: 4, shape: [4], strides: [1] }));
    const wide = archiveOf(pickle, 16, {}, 1);
    expect(wide.length).toBeGreaterThan(sound.length);
    expect(await readPyTorch(wide)).toEqual(await readPyTorch(sound));
    // a position of 2^60 and one beyond what a number holds
    for (const [at, expected] of [
      [2n ** 40n, /beyond the file|lie before/],
      [2n ** 60n, /is 1152921504606846976/],
    ] as const) {
      const far = Buffer.from(wide);
      far.writeBigUInt64LE(at, far.length - 22 - 20 - 56 + 48);
      expect((await refusal(far)).message).toMatch(expected);
    }
  });

  test("the archive that the others are made from is sound", async () => {
    expect((await readPyTorch(sound)).get("weight")?.shape).toEqual([4]);
  });

  test.each([
    ["a compressed member", patched(2, 10, 8, 2), /compressed/],
    ["an encrypted member", patched(2, 8, 1, 2), /encrypted/],
    ["two members that share bytes", patched(2, 42, 0), /share bytes/],
    ["a member with two lengths", patched(2, 24, 2 ** 31), /two lengths/],
    ["a member beyond the file", patched(2, 42, 0xfffffff0), /beyond the file/],
    ["a directory of more members than it has", patchEnd(10, 0xfffe, 2), /directory is broken/],
    ["a directory of fewer members than it has", patchEnd(10, 1, 2), /longer than its members/],
    ["a directory beyond the file", patchEnd(12, 0x7ffffff0, 4), /claims|lie before/],
    ["a zip64 directory that isn't there", patchEnd(12, 0xffffffff, 4), /zip64 locator/],
    ["no directory", sound.subarray(0, sound.length - 30), /no end of directory/],
  ])("%s is refused", async (_, archive, expected) => {
    const { code, message } = await refusal(archive);
    expect(code).toBe("pytorch_zip_invalid");
    expect(message).toMatch(expected);
  });

  function patchEnd(at: number, value: number, bytes: 2 | 4): Buffer {
    const archive = Buffer.from(sound);
    archive.writeUIntLE(value, archive.length - 22 + at, bytes);
    return archive;
  }

  test("a zip bomb is refused before it is inflated", async () => {
    const bomb = deflateRawSync(Buffer.alloc(200_000_000));
    const archive = archiveOf(bomb);
    archive.writeUInt16LE(8, directoryAt(archive) + 10);
    expect((await refusal(archive)).message).toMatch(/compressed/);
  });

  test("a storage with a flipped bit is refused", async () => {
    const archive = Buffer.from(sound);
    archive[archive.indexOf("\x01\x01\x01\x01")]! ^= 4;
    expect((await refusal(archive)).message).toMatch(/data\/0.*damaged/);
  });

  test.each([
    ["a big-endian checkpoint", { "archive/byteorder": "big" }, /byte order/],
    ["a byte order of a megabyte", { "archive/byteorder": "little".repeat(200_000) }, /byte order/],
    ["an archive of two checkpoints", { "other/data.pkl": "" }, /2 data\.pkl/],
  ])("%s is named as what it is", async (_, members, expected) => {
    const archive = archiveOf(dictOf(tensorPickle({ claimed: 4, shape: [4], strides: [1] })), 16, members);
    expect((await refusal(archive)).message).toMatch(expected);
  });
});

describe("whatever a file holds, reading it ends, with tensors or a CheckpointError", () => {
  const originals = ["mixed.pt", "trainer.pt"].map((name) => readFileSync(fixture(name)));

  test("files cut off anywhere are refused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...originals),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        async (original, share) => {
          expect((await refusal(original.subarray(0, Math.floor(share * original.length)))).code).not.toBe(
            "no error",
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test("files with changed bytes", async () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...originals), changes, async (original, list) => {
        const bytes = Buffer.from(original);
        for (const [at, value] of list) bytes[at % bytes.length] = value;
        await refusal(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test("pickles with changed bytes, in sound archives", async () => {
    const pickle = dictOf(tensorPickle({ claimed: 4, shape: [2, 2], strides: [2, 1] }));
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const bytes = Buffer.from(pickle);
        for (const [at, value] of list) bytes[at % bytes.length] = value;
        await refusal(archiveOf(bytes));
      }),
      { numRuns: 5000 },
    );
  });

  test("bytes at random", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        expect((await refusal(bytes)).code).not.toBe("no error");
        expect((await refusal(archiveOf(bytes))).code).not.toBe("no error");
      }),
      { numRuns: 1000 },
    );
  });
});

test.each([1, 4, 9, 10, 11])("the CRC-32 of bytes in pieces of %i is that of the whole", (atOnce) => {
  const bytes = Buffer.from("0123456789");
  expect(crc32Of(bytes, atOnce)).toBe(crc32(bytes));
});

import { storedZipParts } from "../src/checkpoints/pytorch/storedZipParts.js";

/** Pieces of pickles, for files that no honest program writes. */
export const op = {
  proto: Buffer.from([0x80, 2]),
  mark: Buffer.from("("),
  tuple: Buffer.from("t"),
  emptyTuple: Buffer.from(")"),
  emptyDict: Buffer.from("}"),
  emptyList: Buffer.from("]"),
  reduce: Buffer.from("R"),
  build: Buffer.from("b"),
  setItem: Buffer.from("s"),
  persId: Buffer.from("Q"),
  newFalse: Buffer.from([0x89]),
  none: Buffer.from("N"),
  stackGlobal: Buffer.from([0x93]),
  stop: Buffer.from("."),
  global: (module: string, name: string) => Buffer.from(`c${module}\n${name}\n`),
  int: (value: number | bigint) => {
    const bytes = Buffer.alloc(10);
    bytes.writeUInt8(0x8a, 0);
    bytes.writeUInt8(8, 1);
    bytes.writeBigInt64LE(BigInt(value), 2);
    return bytes;
  },
  text: (value: string) => {
    const bytes = Buffer.from(value);
    const head = Buffer.alloc(5);
    head.writeUInt8(0x58, 0);
    head.writeUInt32LE(bytes.length, 1);
    return Buffer.concat([head, bytes]);
  },
};

/** A tensor's pieces: `claimed` elements in the storage `key`, seen with these sizes and strides. */
export function tensorPickle(view: {
  key?: string;
  claimed: number | bigint;
  offset?: number | bigint;
  shape: readonly (number | bigint)[];
  strides: readonly (number | bigint)[];
}): Buffer {
  const { key = "0", claimed, offset = 0, shape, strides } = view;
  const numbers = (values: readonly (number | bigint)[]) => [op.mark, ...values.map(op.int), op.tuple];
  const float = op.global("torch", "FloatStorage");
  return Buffer.concat([
    op.global("torch._utils", "_rebuild_tensor_v2"),
    op.mark,
    ...[
      op.mark,
      op.text("storage"),
      float,
      op.text(key),
      op.text("cpu"),
      op.int(claimed),
      op.tuple,
      op.persId,
    ],
    op.int(offset),
    ...numbers(shape),
    ...numbers(strides),
    op.newFalse,
    ...[op.global("collections", "OrderedDict"), op.emptyTuple, op.reduce],
    op.tuple,
    op.reduce,
  ]);
}

/** A dict with one entry, "weight", of these pieces. */
export const dictOf = (...value: Buffer[]): Buffer =>
  Buffer.concat([op.proto, op.emptyDict, op.text("weight"), ...value, op.setItem, op.stop]);

/** An archive with this pickle and so many bytes of a storage named 0. `more` adds or replaces members. */
export function archiveOf(
  pickle: Uint8Array,
  storageBytes = 16,
  more: Record<string, string> = {},
  wideFrom?: number,
): Buffer {
  const members = new Map<string, Uint8Array>([
    ["archive/data.pkl", pickle],
    ["archive/byteorder", Buffer.from("little")],
    ["archive/data/0", Buffer.alloc(storageBytes, 1)],
    ["archive/version", Buffer.from("3\n")],
  ]);
  for (const [name, text] of Object.entries(more)) members.set(name, Buffer.from(text));
  return Buffer.concat([...storedZipParts(members, wideFrom)]);
}

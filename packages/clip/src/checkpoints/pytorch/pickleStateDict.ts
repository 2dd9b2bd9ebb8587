import type { HostTensor } from "../tensorDtype.js";
import { CheckpointError } from "../checkpointError.js";
import { storageTypeOf } from "./pickleValue.js";

const global = (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`);
const orderedDict = global("collections", "OrderedDict");
const rebuildTensor = global("torch._utils", "_rebuild_tensor_v2");
const [proto2, mark, emptyTuple, reduce, tuple, binPersId, newFalse, setItems, stop] = [
  Buffer.from([0x80, 2]),
  ...[0x28, 0x29, 0x52, 0x74, 0x51, 0x89, 0x75, 0x2e].map((opcode) => Buffer.from([opcode])),
] as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];

/**
 * A pickle (protocol 2) of an OrderedDict of tensors as PyTorch forms it; tensor number i lies in the storage named i.
 *
 * @throws CheckpointError "checkpoint_dtype_unknown" for an element type that has no storage in PyTorch
 */
export function pickleStateDict(tensors: ReadonlyMap<string, HostTensor>): Uint8Array {
  const parts: Buffer[] = [proto2, orderedDict, emptyTuple, reduce, mark];
  let number = 0;
  for (const [name, tensor] of tensors) parts.push(text(name), ...tensorParts(tensor, number++));
  parts.push(setItems, stop);
  return Buffer.concat(parts);
}

function tensorParts({ dtype, shape }: HostTensor, number: number): Buffer[] {
  const storageType = storageTypeOf(dtype);
  if (storageType === undefined) {
    throw new CheckpointError("checkpoint_dtype_unknown", `PyTorch has no storage for elements of ${dtype}`);
  }
  const elements = shape.reduce((product, side) => product * side, 1);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const key = text(String(number));
  const storage = [
    mark,
    text("storage"),
    global("torch", storageType),
    key,
    text("cpu"),
    integer(elements),
    tuple,
  ];
  const hooks = [orderedDict, emptyTuple, reduce];
  const view = [integer(0), ...integers(shape), ...integers(strides), newFalse, ...hooks];
  return [rebuildTensor, mark, ...storage, binPersId, ...view, tuple, reduce];
}

const integers = (values: readonly number[]): Buffer[] => [mark, ...values.map(integer), tuple];

function integer(value: number): Buffer {
  const wide = value > 0x7fffffff;
  const bytes = Buffer.alloc(wide ? 10 : 5);
  if (wide) {
    bytes.writeUInt8(0x8a, 0); // LONG1
    bytes.writeUInt8(8, 1);
    bytes.writeBigInt64LE(BigInt(value), 2);
  } else {
    bytes.writeUInt8(0x4a, 0); // BININT
    bytes.writeInt32LE(value, 1);
  }
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const head = Buffer.alloc(5);
  head.writeUInt8(0x58, 0); // BINUNICODE
  head.writeUInt32LE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

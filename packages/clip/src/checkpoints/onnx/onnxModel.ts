import protobuf from "protobufjs/minimal.js";

const { Writer } = protobuf;
// wire types
const Varint = 0;
const Bytes = 2;
const Fixed32 = 5;
const tag = (field: number, wireType: number): number => (field << 3) | wireType;

/** Element types of onnx.proto's TensorProto. */
export const elementTypes = { float: 1, int32: 6, int64: 7 } as const;
export type ElementType = keyof typeof elementTypes;

export type Attribute =
  { readonly int: number } | { readonly float: number } | { readonly ints: readonly number[] };

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant of the graph. Its bytes (little-endian) are made when they are written. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: () => Uint8Array;
}

/** An input or output; a letter stands for a side that may differ from call to call. */
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly tensors: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Facts for whoever uses it, as texts. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Operators of ONNX 1.12 (2022), the first with LayerNormalization; its files are of version 8. */
const opset = 17;
const irVersion = 8;

/** A message of protocol buffers can't be longer than 2 GiB: constants beyond go into a file of their own. */
const maxMessageBytes = 2 ** 31 - 2 ** 24;

/** Shorter constants stay with the graph: shapes are inferred from them. */
const minExternalBytes = 1024;

/** Constants in a file of their own lie at multiples of this, so that they can be mapped into memory. */
const page = 4096;

/**
 * The bytes of a model file (onnx.proto), in pieces; and those of a second file, `dataName` beside it, where the constants
 * are too long for one.
 */
export function onnxParts(
  model: OnnxModel,
  dataName: string,
  maxBytes = maxMessageBytes,
): { model: Iterable<Uint8Array>; data: Iterable<Uint8Array> | null } {
  const total = model.tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0);
  if (total <= maxBytes) return { model: modelParts(model, model.tensors.map(inlineTensor)), data: null };
  const outside = model.tensors.filter((tensor) => byteLength(tensor) >= minExternalBytes);
  const places = placesOf(outside);
  const messages = model.tensors.map((tensor) => {
    const place = places.get(tensor);
    return place === undefined ? inlineTensor(tensor) : externalTensor(tensor, dataName, place);
  });
  return { model: modelParts(model, messages), data: dataParts(places) };
}

/** A message in two parts, of which the second may be long and is made late. */
interface LongMessage {
  readonly head: Uint8Array;
  readonly restBytes: number;
  readonly rest: () => Uint8Array;
}

function* modelParts(model: OnnxModel, tensors: readonly LongMessage[]): Generator<Uint8Array> {
  const body = graphBody(model);
  const fieldBytes = ({ head, restBytes }: LongMessage): number => {
    const bytes = head.length + restBytes;
    return tensorField(bytes).length + bytes;
  };
  const graphBytes = tensors.reduce((sum, tensor) => sum + fieldBytes(tensor), body.length);
  yield modelHead(model);
  yield Writer.create().uint32(tag(7, Bytes)).uint32(graphBytes).finish();
  yield body;
  for (const tensor of tensors) {
    yield tensorField(tensor.head.length + tensor.restBytes);
    yield tensor.head;
    if (tensor.restBytes > 0) yield tensor.rest();
  }
}

/** GraphProto's field `initializer` of a length. */
const tensorField = (bytes: number): Uint8Array =>
  Writer.create().uint32(tag(5, Bytes)).uint32(bytes).finish();

function modelHead(model: OnnxModel): Uint8Array {
  const writer = Writer.create();
  writer.uint32(tag(1, Varint)).int64(irVersion).uint32(tag(2, Bytes)).string("pairloom");
  writer.uint32(tag(8, Bytes)).fork().uint32(tag(2, Varint)).int64(opset).ldelim();
  for (const [key, value] of Object.entries(model.metadata)) pair(writer, 14, key, value);
  return writer.finish();
}

function graphBody({ name, nodes, inputs, outputs }: OnnxModel): Uint8Array {
  const writer = Writer.create();
  nodes.forEach((node, i) => {
    writer.uint32(tag(1, Bytes)).bytes(nodeMessage(node, `${node.op}_${i}`));
  });
  writer.uint32(tag(2, Bytes)).string(name);
  for (const value of inputs) writer.uint32(tag(11, Bytes)).bytes(valueMessage(value));
  for (const value of outputs) writer.uint32(tag(12, Bytes)).bytes(valueMessage(value));
  return writer.finish();
}

function nodeMessage({ op, inputs, outputs, attributes }: OnnxNode, name: string): Uint8Array {
  const writer = Writer.create();
  for (const input of inputs) writer.uint32(tag(1, Bytes)).string(input);
  for (const output of outputs) writer.uint32(tag(2, Bytes)).string(output);
  writer.uint32(tag(3, Bytes)).string(name).uint32(tag(4, Bytes)).string(op);
  for (const [key, value] of Object.entries(attributes)) {
    writer.uint32(tag(5, Bytes)).bytes(attributeMessage(key, value));
  }
  return writer.finish();
}

function attributeMessage(name: string, value: Attribute): Uint8Array {
  const writer = Writer.create().uint32(tag(1, Bytes)).string(name);
  const type = (number: number) => writer.uint32(tag(20, Varint)).int32(number);
  if ("float" in value) {
    writer.uint32(tag(2, Fixed32)).float(value.float);
    type(1);
  } else if ("int" in value) {
    writer.uint32(tag(3, Varint)).int64(value.int);
    type(2);
  } else {
    for (const int of value.ints) writer.uint32(tag(8, Varint)).int64(int);
    type(7);
  }
  return writer.finish();
}

function valueMessage({ name, type, shape }: OnnxValue): Uint8Array {
  const sides = Writer.create();
  for (const side of shape) {
    sides.uint32(tag(1, Bytes)).fork();
    if (typeof side === "number") sides.uint32(tag(1, Varint)).int64(side);
    else sides.uint32(tag(2, Bytes)).string(side);
    sides.ldelim();
  }
  const tensorType = Writer.create();
  tensorType.uint32(tag(1, Varint)).int32(elementTypes[type]).uint32(tag(2, Bytes)).bytes(sides.finish());
  const writer = Writer.create().uint32(tag(1, Bytes)).string(name);
  return writer
    .uint32(tag(2, Bytes))
    .fork()
    .uint32(tag(1, Bytes))
    .bytes(tensorType.finish())
    .ldelim()
    .finish();
}

function inlineTensor(tensor: OnnxTensor): LongMessage {
  const bytes = byteLength(tensor);
  const head = tensorHead(tensor).uint32(tag(9, Bytes)).uint32(bytes).finish();
  return { head, restBytes: bytes, rest: tensor.bytes };
}

function externalTensor(tensor: OnnxTensor, file: string, offset: number): LongMessage {
  const writer = tensorHead(tensor);
  pair(writer, 13, "location", file);
  pair(writer, 13, "offset", String(offset));
  pair(writer, 13, "length", String(byteLength(tensor)));
  const head = writer.uint32(tag(14, Varint)).int32(1).finish();
  return { head, restBytes: 0, rest: () => new Uint8Array() };
}

function tensorHead({ name, type, shape }: OnnxTensor): protobuf.Writer {
  const writer = Writer.create();
  for (const side of shape) writer.uint32(tag(1, Varint)).int64(side);
  return writer.uint32(tag(2, Varint)).int32(elementTypes[type]).uint32(tag(8, Bytes)).string(name);
}

/** A StringStringEntryProto. */
function pair(writer: protobuf.Writer, field: number, key: string, value: string): void {
  writer.uint32(tag(field, Bytes)).fork();
  writer.uint32(tag(1, Bytes)).string(key).uint32(tag(2, Bytes)).string(value).ldelim();
}

/** Where each constant begins in the file of their own. */
function placesOf(tensors: readonly OnnxTensor[]): Map<OnnxTensor, number> {
  const places = new Map<OnnxTensor, number>();
  let at = 0;
  for (const tensor of tensors) {
    places.set(tensor, at);
    at = Math.ceil((at + byteLength(tensor)) / page) * page;
  }
  return places;
}

function* dataParts(places: ReadonlyMap<OnnxTensor, number>): Generator<Uint8Array> {
  let at = 0;
  for (const [tensor, place] of places) {
    if (place > at) yield new Uint8Array(place - at);
    yield tensor.bytes();
    at = place + byteLength(tensor);
  }
}

function byteLength({ type, shape }: OnnxTensor): number {
  return shape.reduce((product, side) => product * side, type === "int64" ? 8 : 4);
}

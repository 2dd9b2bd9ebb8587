import protobuf from "protobufjs/minimal.js";

const { Writer } = protobuf;
type Message = Uint8Array;
// wire types
const Varint = 0;
const Bytes = 2;
const Fixed32 = 5;
const tag = (field: number, wireType: number) => (field << 3) | wireType;

/** Values of attributes as TensorFlow's AttrValue messages (tensorflow/core/framework/attr_value.proto). */
export const attribute = {
  string: (value: string): Message => Writer.create().uint32(tag(2, Bytes)).string(value).finish(),
  int: (value: number): Message => Writer.create().uint32(tag(3, Varint)).int64(value).finish(),
  float: (value: number): Message => Writer.create().uint32(tag(4, Fixed32)).float(value).finish(),
  bool: (value: boolean): Message => Writer.create().uint32(tag(5, Varint)).bool(value).finish(),
  type: (value: number): Message => Writer.create().uint32(tag(6, Varint)).int32(value).finish(),
  shape: (value: readonly number[]): Message =>
    Writer.create().uint32(tag(7, Bytes)).bytes(tensorShape(value)).finish(),
  tensor: (dtype: number, shape: readonly number[], content: Uint8Array): Message =>
    Writer.create()
      .uint32(tag(8, Bytes))
      .bytes(tensor(dtype, shape, content))
      .finish(),
  strings: (values: readonly string[]): Message => {
    const list = Writer.create();
    for (const value of values) list.uint32(tag(2, Bytes)).string(value);
    return Writer.create().uint32(tag(1, Bytes)).bytes(list.finish()).finish();
  },
  /** A list of integers, unpacked as any reader of protocol buffers takes it. */
  ints: (values: readonly number[]): Message => {
    const list = Writer.create();
    for (const value of values) list.uint32(tag(3, Varint)).int64(value);
    return Writer.create().uint32(tag(1, Bytes)).bytes(list.finish()).finish();
  },
};

export interface GraphNode {
  name: string;
  op: string;
  /** "node" or "node:output"; "^node" waits for it and takes nothing. */
  inputs: string[];
  attributes: Record<string, Message>;
}

/** A SavedModel (tensorflow/core/protobuf/saved_model.proto) of one graph, without variables' files. */
export function savedModel(nodes: readonly GraphNode[], tagName: string): Uint8Array {
  const graph = Writer.create();
  for (const node of nodes) graph.uint32(tag(1, Bytes)).bytes(nodeDef(node));
  // versions.producer: from 1882 on, as of TensorFlow 2.16 to 2.21
  graph.uint32(tag(4, Bytes)).fork().uint32(tag(1, Varint)).int32(1882).ldelim();
  const meta = Writer.create();
  meta.uint32(tag(1, Bytes)).fork().uint32(tag(4, Bytes)).string(tagName).ldelim();
  meta.uint32(tag(2, Bytes)).bytes(graph.finish());
  return Writer.create().uint32(tag(1, Varint)).int64(1).uint32(tag(2, Bytes)).bytes(meta.finish()).finish();
}

function nodeDef({ name, op, inputs, attributes }: GraphNode): Message {
  const writer = Writer.create();
  writer.uint32(tag(1, Bytes)).string(name).uint32(tag(2, Bytes)).string(op);
  for (const input of inputs) writer.uint32(tag(3, Bytes)).string(input);
  for (const [key, value] of Object.entries(attributes)) {
    writer.uint32(tag(5, Bytes)).fork();
    writer.uint32(tag(1, Bytes)).string(key).uint32(tag(2, Bytes)).bytes(value).ldelim();
  }
  return writer.finish();
}

function tensorShape(shape: readonly number[]): Message {
  const writer = Writer.create();
  for (const size of shape) writer.uint32(tag(2, Bytes)).fork().uint32(tag(1, Varint)).int64(size).ldelim();
  return writer.finish();
}

function tensor(dtype: number, shape: readonly number[], content: Uint8Array): Message {
  return Writer.create()
    .uint32(tag(1, Varint))
    .int32(dtype)
    .uint32(tag(2, Bytes))
    .bytes(tensorShape(shape))
    .uint32(tag(4, Bytes))
    .bytes(content)
    .finish();
}

import { toEngineLayout } from "../../layout.js";
import { CheckpointError } from "../checkpointError.js";
import type { StateDict } from "../stateDict.js";
import type { Attribute, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "./onnxModel.js";

/** The name of a value that flows through a graph. */
export type Value = string;

/** Builds a graph node by node over a model's state. Values are named as they come; weights keep their names. */
export class OnnxGraph {
  private readonly nodes: OnnxNode[] = [];
  private readonly tensors = new Map<string, OnnxTensor>();

  constructor(private readonly state: StateDict) {}

  /** The first value that a node of this kind gives. */
  node(op: string, inputs: readonly Value[], attributes: Readonly<Record<string, Attribute>> = {}): Value {
    return this.outputs(op, inputs, 1, attributes)[0]!;
  }

  /** All values that a node of this kind gives. */
  outputs(
    op: string,
    inputs: readonly Value[],
    count: number,
    attributes: Readonly<Record<string, Attribute>> = {},
  ): Value[] {
    const outputs = Array.from({ length: count }, (_, i) => `${op}_${this.nodes.length}:${i}`);
    this.nodes.push({ op, inputs, outputs, attributes });
    return outputs;
  }

  has(key: string): boolean {
    return this.state.has(key);
  }

  /** A weight of the state dict as it lies there. */
  weight(key: string): Value {
    const { shape, data } = this.tensor(key);
    return this.constant(key, "float", shape, () => bytesOf(data));
  }

  /** A linear layer's weight, [out, in], turned to [in, out]. */
  turnedWeight(key: string): Value {
    const { shape, data } = this.tensor(key);
    return this.constant(key, "float", [...shape].reverse(), () =>
      bytesOf(toEngineLayout(data, shape, "linear")),
    );
  }

  /** A number. */
  scalar(value: number): Value {
    return this.constant(`number ${value}`, "float", [], () => bytesOf(Float32Array.of(value)));
  }

  /** Whole numbers, as shapes and indices are given. */
  integers(...values: number[]): Value {
    return this.constant(`integers ${values.join(" ")}`, "int64", [values.length], () =>
      bytesOf(BigInt64Array.from(values, BigInt)),
    );
  }

  constant(name: string, type: OnnxTensor["type"], shape: readonly number[], bytes: () => Uint8Array): Value {
    if (!this.tensors.has(name)) this.tensors.set(name, { name, type, shape, bytes });
    return name;
  }

  /**
   * The graph as a model, giving `result` under the output's name.
   *
   * @param isOwn which tensors of the state dict the graph stands for
   * @throws CheckpointError "checkpoint_layout_unsupported" where the graph leaves one of them out
   */
  model(
    result: Value,
    input: OnnxValue,
    output: OnnxValue,
    isOwn: (key: string) => boolean,
    metadata: Readonly<Record<string, string>>,
  ): OnnxModel {
    const unused = [...this.state.keys()].find(
      (key) => isOwn(key) && !this.tensors.has(key) && !key.endsWith(".num_batches_tracked"),
    );
    if (unused !== undefined) {
      throw new CheckpointError(
        "checkpoint_layout_unsupported",
        `The ONNX export has no part for the tensor \`${unused}\``,
        { hint: "Export the model with --format openclip instead." },
      );
    }
    const last: OnnxNode = { op: "Identity", inputs: [result], outputs: [output.name], attributes: {} };
    return {
      name: output.name,
      nodes: [...this.nodes, last],
      tensors: [...this.tensors.values()],
      inputs: [input],
      outputs: [output],
      metadata,
    };
  }

  private tensor(key: string): { shape: readonly number[]; data: Float32Array } {
    const tensor = this.state.get(key);
    if (tensor === undefined || !(tensor.data instanceof Float32Array))
      throw new Error(`The state dict lacks \`${key}\`: check it with checkStateDict first`);
    return { shape: tensor.shape, data: tensor.data };
  }
}

export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

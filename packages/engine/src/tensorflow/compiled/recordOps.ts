import type { Binding, NodeBackend, OpAttribute, TensorMetadata } from "./binding.js";

/** One operation as it was run. */
export interface RecordedOp {
  name: string;
  attributes: OpAttribute[];
  inputs: number[];
  outputs: TensorMetadata[];
  /** To be computed in float32 whatever the program's precision. */
  exact: boolean;
}

/** A tensor whose values came from JavaScript while the record ran: a constant of the program. */
export interface RecordedConstant {
  shape: number[];
  dtype: number;
  values: ArrayBufferView;
}

export interface OpRecord {
  ops: RecordedOp[];
  constants: Map<number, RecordedConstant>;
}

/** What a program is, in the binding's numbers of the tensors that stood for each part while it was recorded. */
export interface RecordedProgram {
  record: OpRecord;
  inputs: readonly { id: number; shape: number[]; dtype: number }[];
  outputs: readonly number[];
  /** For each variable its value before the program ran, and after. */
  variables: readonly { before: number; after: number }[];
}

let exact = false;

/** Runs `work`, and marks the operations in it as to be computed in float32 always. */
export function inFloat32<T>(work: () => T): T {
  const before = exact;
  exact = true;
  try {
    return work();
  } finally {
    exact = before;
  }
}

/**
 * Runs `work` and writes down every operation that it runs on the back end, with the binding's numbers of its tensors.
 *
 * @throws if `work` reads numbers back: what it does with them could not be recorded
 */
export function recordOps<T>(backend: NodeBackend, work: () => T): { record: OpRecord; result: T } {
  const { binding } = backend;
  const record: OpRecord = { ops: [], constants: new Map() };
  const watched: Partial<Binding> = {
    executeOp(name, attributes, inputs, count) {
      const outputs = binding.executeOp(name, attributes, inputs, count);
      record.ops.push({ name, attributes, inputs: [...inputs], outputs, exact });
      return outputs;
    },
    createTensor(shape, dtype, values) {
      const id = binding.createTensor(shape, dtype, values);
      record.constants.set(id, { shape: [...shape], dtype, values });
      return id;
    },
    tensorDataSync() {
      throw new Error("A program may not read numbers back while it is compiled");
    },
  };
  backend.binding = Object.setPrototypeOf(watched, binding) as Binding;
  try {
    return { record, result: work() };
  } finally {
    backend.binding = binding;
  }
}

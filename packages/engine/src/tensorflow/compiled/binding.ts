import type { Tensor, TensorInfo } from "@tensorflow/tfjs";

/** TensorFlow's numbers of the types that occur here (tensorflow/core/framework/types.proto). */
export const dataType = {
  float32: 1,
  int32: 3,
  string: 7,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  resource: 20,
} as const;

/** What the binding says of a tensor it holds. */
export interface TensorMetadata {
  id: number;
  shape: number[];
  dtype: number;
}

export interface OpAttribute {
  name: string;
  /** One of the binding's TF_ATTR_ numbers. */
  type: number;
  value: unknown;
}

/** The functions of @tensorflow/tfjs-node-gpu's native binding that compiled programs use. */
export interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  createTensor(shape: number[], dtype: number, values: ArrayBufferView): number;
  executeOp(name: string, attributes: OpAttribute[], inputIds: number[], outputs: number): TensorMetadata[];
  tensorDataSync(id: number): ArrayBufferView;
  deleteTensor(id: number): void;
  loadSavedModel(folder: string, tags: string): number;
  /** @param inputNames comma separated, each with its output's number, such as "images:0" */
  runSavedModel(model: number, inputIds: number[], inputNames: string, outputNames: string): TensorMetadata[];
  deleteSavedModel(model: number): void;
}

/** The parts of the package's back end that compiled programs use. */
export interface NodeBackend {
  binding: Binding;
  /** Where each tensor's values are: at `id` in the binding. */
  tensorMap: { get(dataId: object): { id: number; refCount: number } };
  /** Uploads values that were not yet, and gives the binding's numbers of the tensors. */
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(metadata: TensorMetadata): Tensor;
}

/**
 * How an operation runs in bfloat16: its inputs and outputs of these numbers are bfloat16, all others stay as they were.
 * Sums inside it are float32 either way (oneDNN's products, the operations of native/*.cc).
 */
export interface LowForm {
  inputs: readonly number[];
  outputs: readonly number[];
  /** Run so only where these inputs are bfloat16 already: rounding them for this operation alone brings nothing. */
  given: readonly number[];
}

const worthIt = (inputs: number[], outputs: number[]): LowForm => ({ inputs, outputs, given: [] });
const ifGiven = (given: number[], outputs: number[], inputs = given): LowForm => ({ inputs, outputs, given });

/**
 * The operations that `--precision bf16` runs in bfloat16. Products and convolutions always; what lies between two of them
 * where its input is bfloat16 already, so that no pass over memory is for a change of type alone. Normalisations keep
 * their statistics, the residual stream of a transformer, softmax, the loss and the optimizer in float32.
 */
export const lowForms: Readonly<Record<string, LowForm>> = {
  BatchMatMulV2: worthIt([0, 1], [0]),
  MatMul: worthIt([0, 1], [0]),
  Conv2D: worthIt([0, 1], [0]),
  Conv2DBackpropInput: worthIt([1, 2], [0]),
  Conv2DBackpropFilter: worthIt([0, 2], [0]),
  PairloomLayerNorm: worthIt([], [0]),
  PairloomLayerNormGradient: ifGiven([0], []),
  PairloomColumnMoments: ifGiven([0], []),
  PairloomBatchNorm: ifGiven([0], [0]),
  PairloomBatchNormGradient: ifGiven([1], [0], [0, 1]),
  PairloomColumnSum: ifGiven([0], []),
  PairloomQuickGelu: ifGiven([0], [0]),
  PairloomQuickGeluGradient: ifGiven([0, 1], [0]),
  PairloomGelu: ifGiven([0], [0]),
  PairloomGeluGradient: ifGiven([0, 1], [0]),
  PairloomTanhGelu: ifGiven([0], [0]),
  PairloomTanhGeluGradient: ifGiven([0, 1], [0]),
  BiasAdd: ifGiven([0], [0], [0, 1]),
  Relu: ifGiven([0], [0]),
  ReluGrad: ifGiven([0, 1], [0]),
  Add: ifGiven([0, 1], [0]),
  AvgPool: ifGiven([0], [0]),
  AvgPoolGrad: ifGiven([1], [0]),
  Reshape: ifGiven([0], [0]),
  Transpose: ifGiven([0], [0]),
  // by a number that bfloat16 holds exactly: graphBuilder.ts sees to that
  Mul: ifGiven([0], [0], [0, 1]),
  SplitV: ifGiven([0], [0, 1, 2]),
};

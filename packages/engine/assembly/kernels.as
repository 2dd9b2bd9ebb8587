// Everything the module exports.
export { gemmScratchBytes, packB, gemmRows, gemmBatch, convRows, convFilterRows, packTurnedFilter } from "./gemm";
export {
  unary, unaryGradient, columnSum, rowSum, layerNorm, layerNormGradient, softmax, softmaxGradient,
  columnMoments, columnAffine, adamw, squareSums, scatterAdd, fillRows,
} from "./fused";

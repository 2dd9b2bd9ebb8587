export * from "./modelConfig.js";
export * from "./preprocessConfig.js";
export * from "./preprocessingOf.js";
export * from "./parseModelConfig.js";
export * from "./loadModelConfig.js";
export * from "./stateShapes.js";
export { completedBy } from "./config/configDifferences.js";
export * from "./modelSize.js";
export * from "./tokenizerFit.js";
export * from "./layout.js";
export * from "./modelCost.js";
export * from "./parameters.js";
export * from "./initialParameters.js";
export * from "./encode.js";
export * from "./clipLoss.js";
export * from "./lossAndGradients.js";
export * from "./lossRows.js";
export { normalizeFeatures } from "./ops/normalizeFeatures.js";
export type { BatchStatistics } from "./towers/modifiedResNet.js";
export * from "./checkpoints/checkpointError.js";
export * from "./checkpoints/tensorDtype.js";
export * from "./checkpoints/safetensors.js";
export type { SafetensorsHeader, TensorPlace } from "./checkpoints/safetensorsHeader.js";
export * from "./checkpoints/stateDict.js";
export * from "./checkpoints/checkStateDict.js";
export * from "./checkpoints/readCheckpoint.js";
export * from "./checkpoints/readModel.js";
export * from "./checkpoints/exportModel.js";
export { describeModel, openClipFiles, openClipWeightsName } from "./checkpoints/openClipFolder.js";
export { configsBeside, weightsIn } from "./checkpoints/checkpointFolder.js";
export {
  checkPyTorchFile,
  readPyTorch,
  readPyTorchCheckpoint,
  readPyTorchFile,
} from "./checkpoints/pytorch/readPyTorch.js";
export { pyTorchParts } from "./checkpoints/pytorch/writePyTorch.js";
export * from "./images.js";

export * from "./settings/recipes.js";
export * from "./settings/trainSettings.js";
export { checkTrainingInput } from "./settings/checkTrainingInput.js";
export * from "./optimizer/learningRate.js";
export * from "./data/openRelease.js";
export * from "./data/textsOf.js";
export * from "./data/decodedPicture.js";
export * from "./data/cropPicture.js";
export * from "./data/patchesToKeep.js";
export type { Batch } from "./data/batch.js";
export type { CaptionReport } from "./data/captionReport.js";
export * from "./data/trainingData.js";
export {
  type CheckpointFiles,
  checkpointFiles,
  listCheckpoints,
  loadCheckpoint,
  loadNewestCheckpoint,
} from "./run/checkpoint.js";
export { type EvaluationMetrics, readMetrics, type StepMetrics } from "./run/metricsLog.js";
export { readRunRecord, type RunRecord } from "./run/runRecord.js";
export { type ParameterGroup, parameterGroups } from "./step/parameterGroups.js";
export { StepVariables } from "./step/stepVariables.js";
export type { StepBatch } from "./step/partInputs.js";
export { accumulates, openTrainingStep, type StepResult, type TrainingStep } from "./step/trainingStep.js";
export { TrainingDivergedError } from "./runSteps.js";
export * from "./train.js";
export { collectRun } from "./launcher/collectRun.js";
export { launchOpenClip, type LaunchOutcome, type LaunchWish } from "./launcher/launch.js";
export { type LaunchManifest, readLaunchManifest } from "./launcher/launchedRun.js";
export { launcherNames, type LaunchSettingsInput } from "./launcher/launchSettings.js";
export type { LaunchedMetrics } from "./launcher/openClipLog.js";
export { type BenchCase, benchCases, benchModel, benchStep, type StepBench } from "./benchStep.js";

export { type DeviceHold, holdDevice } from "./deviceLock.js";
export { machineDevices } from "./machineDevices.js";
export { putBackTrainings, queueTraining } from "./putBackTrainings.js";
export {
  deviceLane,
  publishRunJob,
  publishWish,
  readRunJob,
  type RunJob,
  trainingJobId,
  type WishedRun,
  type WishKind,
} from "./runJob.js";
export { runState, type RunFacts, type RunState, wishApplies } from "./runState.js";
export { type RunningTrainer, runTrainer, type TrainerContext } from "./runTrainer.js";
export {
  lockedAdvice,
  type SpawnTraining,
  trainJob,
  type TrainingEnd,
  TrainingFailedError,
} from "./trainJob.js";

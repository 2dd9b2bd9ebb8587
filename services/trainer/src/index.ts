export { trainJob, TrainingFailedError, type SpawnTraining, type TrainContext } from "./trainJob.js";

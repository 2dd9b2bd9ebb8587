import type { Funnel } from "@pairloom/config";
import type { QueueCounts, QueueName } from "@pairloom/queue";

/** What the dashboard and the API can do: the same functions that the command line calls, handed in by the composition root. */
export interface MonitorActions {
  status(): Promise<RoadStatus>;
  seedQueries(wish: {
    queries: string;
    search?: string;
  }): Promise<{ queries: number; duplicates: number; jobs: number }>;
  seedSite(wish: { site: string; maxPages?: number }): Promise<{ site: string }>;
  listReleases(): Promise<ReleaseSummary[]>;
  askRelease(wish: { name?: string }): Promise<{ name: string }>;
  listRuns(): Promise<RunSummary[]>;
  /** @throws UserError "run_missing" */
  showRun(run: string): Promise<RunDetails>;
  /** Lines of the run's metrics from a byte offset on, and the offset to ask from next. */
  readMetrics(run: string, offset: number): Promise<{ lines: Record<string, unknown>[]; offset: number }>;
  /** The log of the run's process from a byte offset on; a negative one counts from the end. */
  readLog(run: string, offset: number): Promise<{ text: string; offset: number }>;
  /** What the run's evaluations left, oldest first: pictures with the captions found for them. */
  listSamples(run: string): Promise<SampleReport[]>;
  /** The path of a sample's picture on this machine, or null. */
  samplePath(run: string, file: string): Promise<string | null>;
  launchTraining(wish: TrainingWish): Promise<{ run: string }>;
  cloneTraining(run: string, changes: TrainingChanges): Promise<{ run: string }>;
  /** Stores the wish, then acts on it. @returns where the run stands now */
  wishTraining(run: string, wish: TrainingCommand): Promise<RunSummary>;
  listCheckpoints(run: string): Promise<CheckpointSummary[]>;
  /** The path of a checkpoint's file on this machine, or null where there is none of that name. */
  checkpointPath(run: string, file: string): Promise<string | null>;
}

export interface RoadStatus {
  dir: string;
  idle: boolean;
  funnel: Funnel;
  queues: Record<QueueName, QueueCounts>;
  failedJobs: number;
  /** What endangers the queues: a Redis without a file, or one that drops keys. */
  warnings: readonly string[];
}

export interface ReleaseSummary {
  name: string;
  ready: boolean;
  /** What hold-out rules keep for evaluations: not to be trained on. */
  heldOut: boolean;
  /** Where one stands that is not ready, in a line for people. */
  standing: string | null;
  kept: number | null;
  shards: number | null;
}

/** What may be changed from one run to the next. */
export interface TrainingChanges {
  run?: string;
  /** Settings of `pairloom train`, by name. */
  settings: Record<string, unknown>;
  /** "cpu", "gpu:0", "webgpu:0"; left out: what the engine computes on. */
  device?: string;
  priority?: TrainingPriority;
}

export interface TrainingWish extends TrainingChanges {
  /** A release of the project; `settings.data` may name any folder of shards instead. */
  release?: string;
}

export const trainingPriorities = ["high", "normal", "low"] as const;
export type TrainingPriority = (typeof trainingPriorities)[number];

export const trainingCommands = ["pause", "resume", "cancel"] as const;
export type TrainingCommand = (typeof trainingCommands)[number];

export interface RunSummary {
  run: string;
  state:
    | "waiting"
    | "running"
    | "pausing"
    | "paused"
    | "cancelling"
    | "cancelled"
    | "failed"
    | "finished"
    | "stopped";
  /** Why it failed, or what it waits for. */
  reason: string | null;
  model: string | null;
  /** Null where it was not launched as a job. */
  device: string | null;
  priority: TrainingPriority | null;
  clonedFrom: string | null;
  /** When the newest wish was made, ISO 8601. */
  asked: string | null;
  step: number;
  steps: number | null;
  loss: number | null;
  checkpoints: number;
  /** The newest line of metrics, with every field that it has. */
  last: Record<string, unknown> | null;
  evaluation: { step: number; evaluation: Record<string, number> } | null;
}

export interface RunDetails extends RunSummary {
  folder: string;
  /** As they were given. */
  given: Record<string, unknown>;
  /** As the run uses them; null before it began. */
  settings: Record<string, unknown> | null;
}

/** `samples/step-N.json` of a run. */
export interface SampleReport {
  step: number;
  heldOut: boolean;
  captions: number;
  pictures: {
    file: string;
    key: string;
    caption: string;
    found: { caption: string; score: number }[];
  }[];
}

export interface CheckpointSummary {
  file: string;
  step: number;
  bytes: number;
  modified: string;
}

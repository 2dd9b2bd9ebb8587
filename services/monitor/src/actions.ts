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
  /** Lines of the run's metrics from a byte offset on, and the offset to ask from next. */
  readMetrics(run: string, offset: number): Promise<{ lines: Record<string, unknown>[]; offset: number }>;
  launchTraining(wish: TrainingWish): Promise<{ run: string }>;
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
}

export interface ReleaseSummary {
  name: string;
  ready: boolean;
  kept: number | null;
  shards: number | null;
}

export interface TrainingWish {
  release: string;
  model: string;
  run?: string;
  steps?: number;
  batchSize?: number;
  seed?: number;
  engine?: string;
}

export interface RunSummary {
  run: string;
  state: "waiting" | "running" | "finished" | "stopped" | "failed";
  model: string | null;
  step: number;
  steps: number | null;
  loss: number | null;
  checkpoints: number;
}

export interface CheckpointSummary {
  file: string;
  step: number;
  bytes: number;
  modified: string;
}

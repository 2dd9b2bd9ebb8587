import { appendMetrics, cutMetrics, type EvaluationMetrics, type StepMetrics } from "./metricsLog.js";
import { openEventLog } from "./tensorboard/eventLog.js";

/** Where a run's numbers go: `metrics.jsonl`, and TensorBoard's event files where they are wanted. */
export interface RunLog {
  /** The newest evaluation that was logged before. */
  evaluated: EvaluationMetrics | null;
  /** @throws DiskFullError */
  append(line: StepMetrics | EvaluationMetrics): Promise<void>;
  close(): Promise<void>;
}

/** Opens a run's logs after `lastStep`: what is in them of later steps is taken out, so that they hold each step once. */
export async function openRunLog(run: string, lastStep: number, tensorboard: boolean): Promise<RunLog> {
  const evaluated = await cutMetrics(run, lastStep);
  const events = tensorboard ? await openEventLog(run, lastStep) : null;
  return {
    evaluated,
    append: async (line) => {
      await appendMetrics(run, line);
      await events?.append(line);
    },
    close: async () => events?.close(),
  };
}

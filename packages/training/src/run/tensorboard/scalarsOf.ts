import type { EvaluationMetrics, StepMetrics } from "../metricsLog.js";

/**
 * What TensorBoard shows of a line of metrics, under open_clip's names (open_clip_train/train.py, 3.3.0): `train/loss`,
 * `train/contrastive_loss`, `train/scale`, `train/lr`, `train/data_time` and `train/batch_time` in seconds,
 * `train/samples_per_second`(`_per_gpu`), and `val/NAME` of an evaluation. Further numbers go by their own names in
 * open_clip's spelling: `train/gradient_norm`. open_clip counts its steps from 0 and its evaluations in epochs; here both
 * stand at the step that was done, from 1.
 */
export function scalarsOf(line: StepMetrics | EvaluationMetrics): Record<string, number> {
  if ("evaluation" in line) {
    return Object.fromEntries(Object.entries(line.evaluation).map(([name, value]) => [`val/${name}`, value]));
  }
  const { loss, logitScale, lr, samplesPerSecond, dataWaitMs, stepMs, ...rest } = line;
  const numbers: Record<string, number> = {
    data_time: dataWaitMs / 1000,
    batch_time: (dataWaitMs + stepMs) / 1000,
    samples_per_second: samplesPerSecond,
    samples_per_second_per_gpu: samplesPerSecond,
    scale: logitScale,
    lr,
    contrastive_loss: loss,
    loss,
  };
  for (const [name, value] of Object.entries(rest) as [string, unknown][]) {
    if (name !== "step" && typeof value === "number") numbers[snakeCase(name)] = value;
  }
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [`train/${name}`, value]));
}

const snakeCase = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

import type { CaptionReport } from "../data/captionReport.js";
import { guessingLoss } from "../step/lossLimit.js";
import type { StepSettings } from "../step/stepSettings.js";
import type { StepMetrics } from "./metricsLog.js";

/** Steps that a judgement looks back on. */
const span = 50;

/** What is wrong with the captions as a whole, for people. */
export function captionWarnings({ sampled, repeated, truncated }: CaptionReport): string[] {
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const warnings: string[] = [];
  if (sampled > 0 && repeated > 0.1)
    warnings.push(
      `${percent(repeated)} of the captions occur more than once: pairs of one batch that share a caption count ` +
        "as wrong answers to each other (`--set keepCaptionsApart=true` keeps them apart)",
    );
  if (truncated > 0.05)
    warnings.push(`${percent(truncated)} of the captions are longer than the context and are cut off`);
  return warnings;
}

/** Watches a training's numbers and says, once each, what people would want to know before it has run for hours. */
export class TrainingWatch {
  private readonly recent: StepMetrics[] = [];
  private readonly said = new Set<string>();
  private pinned = 0;

  constructor(
    private readonly settings: Pick<StepSettings, "batchSize" | "loss" | "warmup" | "maxLogitScale">,
  ) {}

  /** @returns warnings that are new with this step */
  observe(metrics: StepMetrics): string[] {
    const { batchSize, loss: kind, warmup, maxLogitScale } = this.settings;
    this.recent.push(metrics);
    if (this.recent.length > span) this.recent.shift();
    this.pinned = metrics.logitScale > 0.999 * maxLogitScale ? this.pinned + 1 : 0;
    if (this.recent.length < span) return [];
    const mean = (of: (one: StepMetrics) => number) =>
      this.recent.reduce((sum, one) => sum + of(one), 0) / span;
    const warnings: string[] = [];
    const guessing = guessingLoss(kind, batchSize);
    if (metrics.step >= warmup + 4 * span && mean(({ loss }) => loss) > 0.98 * guessing)
      warnings.push(
        ...this.once(
          "stuck",
          `the loss stays at ${kind === "clip" ? `ln(${batchSize}) = ` : ""}${guessing.toFixed(2)}, which guessing gives: try another --lr, and look ` +
            "whether captions belong to their pictures",
        ),
      );
    // a scale held low on purpose is no news
    if (maxLogitScale >= 50 && this.pinned >= 4 * span)
      warnings.push(
        ...this.once(
          "pinned",
          `the logit scale has been at its limit of ${maxLogitScale} for ${4 * span} steps: the learning rate may be too high, or ` +
            "many pairs are doubles",
        ),
      );
    const waits =
      mean(({ dataWaitMs }) => dataWaitMs) / mean(({ dataWaitMs, stepMs }) => dataWaitMs + stepMs);
    if (waits > 0.1)
      warnings.push(
        ...this.once(
          "loader",
          `steps wait for their data ${(100 * waits).toFixed(0)} % of the time: more --data-workers, or smaller pictures, help`,
        ),
      );
    return warnings;
  }

  private once(name: string, line: string): string[] {
    if (this.said.has(name)) return [];
    this.said.add(name);
    return [line];
  }
}

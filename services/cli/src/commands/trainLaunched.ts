import { UserError } from "@pairloom/config";
import type { LaunchOutcome, TrainSettings } from "@pairloom/training";
import { onParentGone, onStopSignal } from "../services/onStopSignal.js";
import { LiveBlock } from "../terminal/liveBlock.js";
import type { Say } from "../terminal/say.js";
import { launchInput, type LauncherOptions } from "./launcherOptions.js";

/** `pairloom train --launcher …`: hands the training to open_clip and follows it. */
export async function trainLaunched(
  settings: TrainSettings,
  launcher: NonNullable<LauncherOptions["launcher"]>,
  options: LauncherOptions,
  say: Say,
): Promise<void> {
  const { dryRun = false, submit = false, follow = false } = options;
  if (launcher === "torchrun" && (submit || follow))
    throw new UserError("option_invalid", "--submit and --follow are for jobs of Slurm and Kubernetes", {
      hint: "torchrun runs here at once, and is followed.",
      exitCode: 2,
    });
  const { launchOpenClip } = await import("@pairloom/training");
  const stop = new AbortController();
  onStopSignal(() => stop.abort());
  onParentGone(() => stop.abort());
  const live = new LiveBlock();
  let shown = "";
  const outcome = await launchOpenClip(settings, launchInput(launcher, options), {
    dryRun,
    submit,
    follow,
    signal: stop.signal,
    log: (line) => (line.startsWith("warning: ") ? say.warn(line.slice("warning: ".length)) : say.info(line)),
    onStep: ({ step, loss, logitScale, lr, samplesPerSecond }) => {
      shown =
        `  step ${step}  loss ${loss.toFixed(4)}  scale ${logitScale.toFixed(2)}  ` +
        `lr ${lr.toExponential(2)}  ${samplesPerSecond.toFixed(0)} samples/s`;
      live.draw(shown, shown.trim());
    },
  });
  if (shown !== "") live.finish(shown, shown.trim());
  say.result(outcome, outcomeText(outcome, settings));
}

function outcomeText(outcome: LaunchOutcome, { data, out }: TrainSettings): string {
  switch (outcome.status) {
    case "prepared":
      return `Written, nothing started:\n${outcome.files.map((file) => `  ${file}`).join("\n")}`;
    case "submitted":
      return `Submitted as ${outcome.job}. Metrics and checkpoints as they are now: pairloom checkpoints import ${out}`;
    case "finished":
      return `Finished after ${outcome.step} steps: ${outcome.checkpoint}`;
    case "stopped":
      return (
        `Stopped; the newest checkpoint is after step ${outcome.step} of ${outcome.steps}. ` +
        `Go on with the same command and --resume (--data ${data} --out ${out}).`
      );
  }
}
